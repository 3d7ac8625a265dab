import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { readTar } from './tar.ts';
import type { TarEntry } from './tar-entry.ts';
import { encodeHeader, endOfArchive, paddingOf } from './tar-write.ts';

function entry(change: Partial<Omit<TarEntry, 'name'>> & { readonly name?: string | Buffer } = {}): TarEntry {
  return {
    type: 'file',
    linkName: Buffer.alloc(0),
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: 0,
    modified: { seconds: 1_700_000_000, nanoseconds: 0 },
    major: 0,
    minor: 0,
    attributes: new Map(),
    ...change,
    name: Buffer.from(change.name ?? 'file'),
  };
}

function archive(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([
    ...entries.flatMap((each) => [encodeHeader(each), Buffer.alloc(each.size + paddingOf(each.size), 7)]),
    endOfArchive,
  ]);
}

function read(bytes: Buffer): TarEntry[] {
  const entries: TarEntry[] = [];
  const reader = readTar({ entry: (each) => void entries.push(each), content: () => {}, end: () => {} });
  reader.write(bytes);
  assert.equal(reader.finish(), true);
  return entries;
}

const long = (length: number) => 'n'.repeat(length);

const cases: Readonly<Record<string, TarEntry>> = {
  plain: entry({ size: 700, mode: 0o4755 }),
  'a name of 100 bytes': entry({ name: long(100) }),
  'a name that needs a prefix': entry({ name: `${long(120)}/${long(100)}` }),
  'a directory whose name needs a prefix': entry({ name: `${long(120)}/${long(99)}/`, type: 'directory' }),
  'a name of 101 bytes': entry({ name: long(101) }),
  'a directory of 100 bytes': entry({ name: `${long(100)}/`, type: 'directory' }),
  'a name that no prefix helps': entry({ name: `${long(156)}/${long(20)}` }),
  'a name that is no UTF-8': entry({ name: Buffer.from([0xff, 0xfe, 0x61]) }),
  'a long name that is no UTF-8': entry({ name: Buffer.alloc(200, 0xe4) }),
  'a long link': entry({ type: 'symlink', linkName: Buffer.from(long(101)) }),
  'a hard link': entry({ type: 'hardlink', linkName: Buffer.from('other') }),
  'large ids': entry({ uid: 2 ** 21, gid: 4_294_967_294 }),
  'ids that just fit': entry({ uid: 2 ** 21 - 1, gid: 2 ** 21 - 1 }),
  nanoseconds: entry({ modified: { seconds: 1_700_000_000, nanoseconds: 123_456_789 } }),
  'few nanoseconds': entry({ modified: { seconds: 0, nanoseconds: 1 } }),
  'a time before 1970': entry({ modified: { seconds: -1, nanoseconds: 0 } }),
  'a time before 1970 with nanoseconds': entry({ modified: { seconds: -2, nanoseconds: 750_000_000 } }),
  'half a second before 1970': entry({ modified: { seconds: -1, nanoseconds: 500_000_000 } }),
  'a time after 2242': entry({ modified: { seconds: 2 ** 33, nanoseconds: 0 } }),
  'a device': entry({ type: 'block', major: 259, minor: 1_048_575 }),
  'a fifo': entry({ type: 'fifo' }),
  attributes: entry({
    attributes: new Map([
      ['user.b', Buffer.from('with\nnewline=and equals')],
      ['security.capability', Buffer.from([1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0])],
      ['user.empty', Buffer.alloc(0)],
    ]),
  }),
};

for (const [what, expected] of Object.entries(cases)) {
  test(`what is written can be read again: ${what}`, () => {
    const [found, ...more] = read(archive([expected]));
    assert.deepEqual(more, []);
    assert.ok(found);
    assert.deepEqual(
      { ...found, attributes: new Map([...found.attributes].sort()) },
      {
        ...expected,
        name:
          expected.type === 'directory'
            ? Buffer.from(`${expected.name.toString().replace(/\/$/, '')}/`)
            : expected.name,
        attributes: new Map([...expected.attributes].sort()),
      },
    );
  });
}

test('a size over 8 GiB has a pax record', () => {
  const header = encodeHeader(entry({ size: 2 ** 33 }));
  assert.match(header.toString('latin1'), /19 size=8589934592\n/);
});

test('the length of a pax record counts its own digits, also where they become one more', () => {
  for (let length = 80; length < 120; length += 1) {
    const attributes = new Map([['user.x', Buffer.alloc(length, 0x61)]]);
    const [found] = read(archive([entry({ attributes })]));
    assert.equal(found?.attributes.get('user.x')?.length, length);
  }
});

test('entries one after another keep their places, whatever came before them', () => {
  const all = Object.values(cases);
  assert.deepEqual(
    read(archive(all)).map(({ type, size }) => [type, size]),
    all.map(({ type, size }) => [type, size]),
  );
});

test('the same entry gives the same bytes, in whatever order its attributes came', () => {
  const attributes = [...(cases['attributes']?.attributes ?? [])];
  const [one, other] = [attributes, attributes.toReversed()].map((list) =>
    encodeHeader(entry({ attributes: new Map(list) })),
  );
  assert.deepEqual(one, other);
});

test('a device number that does not fit is refused', () => {
  assert.throws(() => encodeHeader(entry({ type: 'character', major: 2 ** 21 })), { code: 'unsupported' });
});

test('GNU tar reads every name, type and size', () => {
  const all = Object.values(cases).map((each, index) => ({
    ...each,
    name: Buffer.concat([Buffer.from(`${index}-`), each.name]),
  }));
  const { status, stdout, stderr } = spawnSync('tar', ['--list', '--quoting-style=literal', '-f', '-'], {
    input: archive(all),
    encoding: 'latin1',
  });
  assert.equal(status, 0, stderr);
  const names = all.map(({ name, type }) => {
    const text = name.toString('latin1').replace(/\/$/, '');
    return type === 'directory' ? `${text}/` : text;
  });
  assert.deepEqual(stdout.trimEnd().split('\n'), names);
});

import assert from 'node:assert/strict';
import test from 'node:test';
import { OnggiError } from '../errors.ts';
import { readTar } from './tar.ts';
import { defaultTarLimits, type TarEntry, type TarLimits } from './tar-entry.ts';
import { endMark, paxBody, type TestEntry, tarEntry, tarHeader, tarOf, withChecksum } from './testing.ts';

type Read = { entry: TarEntry; content: string };

/** Reads with chunks of `size` bytes. */
function read(archive: Buffer, size = archive.length, limits: Partial<TarLimits> = {}) {
  const entries: Read[] = [];
  let pieces: Buffer[] = [];
  let current: TarEntry | undefined;
  const reader = readTar(
    {
      entry: (entry) => {
        current = entry;
      },
      content: (bytes) => pieces.push(Buffer.from(bytes)),
      end: () => {
        assert.ok(current);
        entries.push({ entry: current, content: Buffer.concat(pieces).toString() });
        pieces = [];
      },
    },
    { ...defaultTarLimits, ...limits },
  );
  for (let offset = 0; offset < archive.length; offset += size) {
    // A copy that is overwritten afterwards: nothing may be kept of a chunk.
    const chunk = Buffer.from(archive.subarray(offset, offset + size));
    reader.write(chunk);
    chunk.fill(0xee);
  }
  return { entries, ended: reader.finish() };
}

function only(...entries: TestEntry[]): TarEntry {
  const [first, ...rest] = read(tarOf(...entries)).entries;
  assert.ok(first);
  assert.equal(rest.length, 0);
  return first.entry;
}

const sample = tarOf(
  { name: './', type: '5', mode: 0o1777 },
  { name: 'a', content: 'hello', mode: 0o4755, uid: 7, gid: 8, mtime: 12 },
  { name: 'b', content: 'x'.repeat(512) },
  { name: 'c', type: '1', link: 'a' },
  { name: 'd', type: '2', link: '/etc/passwd' },
  { name: 'e', type: '3', major: 1, minor: 3 },
  { name: 'f', type: '6' },
  { name: 'x', content: 'y'.repeat(2000), pax: { path: 'long/'.repeat(60), mtime: '-1.5', uid: '3000000' } },
);

test('entries come as they were written, whatever the chunks', () => {
  const whole = read(sample);
  assert.equal(whole.ended, true);
  assert.deepEqual(
    whole.entries.map(({ entry }) => entry.type),
    ['directory', 'file', 'file', 'hardlink', 'symlink', 'character', 'fifo', 'file'],
  );
  const [root, a, , c, d, e, , x] = whole.entries;
  assert.equal(root?.entry.mode, 0o1777);
  assert.deepEqual([a?.content, a?.entry.mode, a?.entry.uid, a?.entry.gid], ['hello', 0o4755, 7, 8]);
  assert.deepEqual(a?.entry.modified, { seconds: 12, nanoseconds: 0 });
  assert.equal(c?.entry.linkName.toString(), 'a');
  assert.equal(d?.entry.linkName.toString(), '/etc/passwd');
  assert.deepEqual([e?.entry.major, e?.entry.minor], [1, 3]);
  assert.deepEqual(x?.entry.modified, { seconds: -2, nanoseconds: 500_000_000 });
  assert.equal(x?.entry.uid, 3_000_000);
  assert.equal(x?.entry.name.length, 300);
  for (const size of [1, 7, 511, 512, 513, 1000]) assert.deepEqual(read(sample, size), whole, `chunks of ${size}`);
});

test('names: prefix, GNU long names, pax, bytes that are no UTF-8', () => {
  assert.equal(only({ name: 'b', prefix: 'a' }).name.toString(), 'a/b');
  assert.equal(only({ name: 'b', prefix: 'a', magic: 'ustar  ' }).name.toString(), 'b');
  assert.equal(only({ name: 'b', prefix: 'a', magic: '' }).name.toString(), 'b');
  const long = 'n'.repeat(300);
  const gnu = Buffer.concat([
    tarEntry({ name: '././@LongLink', type: 'L', content: `${long}\0` }),
    tarEntry({ name: '././@LongLink', type: 'K', content: `${long}2\0` }),
    tarOf({ name: 'short', type: '2', link: 'short' }),
  ]);
  const [entry] = read(gnu).entries;
  assert.equal(entry?.entry.name.toString(), long);
  assert.equal(entry?.entry.linkName.toString(), `${long}2`);
  const bytes = Buffer.from([0x66, 0xff, 0xfe]);
  assert.deepEqual(only({ name: bytes }).name, bytes);
  assert.deepEqual(only({ name: 'x', pax: { path: bytes } }).name, bytes);
});

test('numbers: base 256, negative times, large ids', () => {
  const entry = only({ name: 'a', binaryNumbers: true, uid: 2 ** 31, gid: 5, content: '', mtime: -5 });
  assert.deepEqual([entry.uid, entry.gid, entry.modified.seconds], [2 ** 31, 5, -5]);
});

test('global pax headers are defaults, attributes come through', () => {
  const global = tarEntry({ name: 'g', type: 'g', content: paxBody({ mtime: '9', uid: '4', comment: 'x' }) });
  const value = Buffer.from([1, 0, 0, 2, 10]);
  const rest = tarOf(
    { name: 'a' },
    { name: 'b', pax: { uid: '5', 'SCHILY.xattr.security.capability': value, mtime: '' } },
  );
  const [a, b] = read(Buffer.concat([global, rest])).entries;
  assert.deepEqual([a?.entry.uid, a?.entry.modified.seconds, a?.entry.attributes.size], [4, 9, 0]);
  assert.equal(b?.entry.uid, 5);
  assert.deepEqual([...(b?.entry.attributes ?? [])], [['security.capability', value]]);
});

test('V7 directories are told by their slash; sizes of other types say nothing', () => {
  assert.equal(only({ name: 'a/', type: '\0', magic: '' }).type, 'directory');
  assert.equal(only({ name: 'a', type: '1', link: 'b', size: 4711 }).size, 0);
  assert.equal(only({ name: 'a', type: '5', size: 4711 }).size, 0);
});

test('the end: marked, unmarked, cut', () => {
  assert.equal(read(endMark).ended, true);
  assert.equal(read(Buffer.alloc(512)).ended, true);
  assert.equal(read(Buffer.alloc(0)).ended, false);
  assert.equal(read(tarEntry({ name: 'a', content: 'x' })).ended, false);
  const archive = tarOf({ name: 'a', content: 'x'.repeat(600) });
  for (const length of [1, 511, 513, 1000, 1535]) {
    assert.throws(() => read(archive.subarray(0, length)), { code: 'corrupt' }, `${length} bytes`);
  }
  const pax = tarEntry({ name: 'x', type: 'x', content: paxBody({ uid: '1' }) });
  assert.throws(() => read(pax), { code: 'corrupt' });
  assert.throws(() => read(Buffer.concat([pax, endMark])), { code: 'corrupt' });
  assert.equal(read(Buffer.concat([sample, Buffer.from('rubbish'.repeat(1000))])).ended, true);
});

const refused: Record<string, readonly [Buffer, string]> = {
  'a wrong checksum': [Buffer.concat([tarHeader({ name: 'a' }, 0).fill('b', 0, 1), endMark]), 'corrupt'],
  rubbish: [Buffer.alloc(4096, 'rubbish '), 'corrupt'],
  'an unknown type': [tarOf({ name: 'a', type: 'Z' }), 'unsupported'],
  'a multi-volume part': [tarOf({ name: 'a', type: 'M' }), 'unsupported'],
  'an empty name': [tarOf({ name: '' }), 'corrupt'],
  'an empty link target': [tarOf({ name: 'a', type: '2' }), 'corrupt'],
  'a name with NUL': [tarOf({ name: 'a', pax: { path: 'a\0b' } }), 'corrupt'],
  'a negative size': [tarOf({ name: 'a', size: -5 }), 'corrupt'],
  'a size in pax that is no number': [tarOf({ name: 'a', pax: { size: '1e3' } }), 'corrupt'],
  'a time that is none': [tarOf({ name: 'a', pax: { mtime: 'now' } }), 'corrupt'],
  'uid -1': [tarOf({ name: 'a', uid: 0xffff_ffff, binaryNumbers: true }), 'corrupt'],
  'a uid that wraps': [tarOf({ name: 'a', uid: 2 ** 32, binaryNumbers: true }), 'corrupt'],
  'a negative uid': [tarOf({ name: 'a', uid: -1 }), 'corrupt'],
  'a global path': [tarEntry({ name: 'g', type: 'g', content: paxBody({ path: 'x' }) }), 'corrupt'],
  'an empty pax header': [tarOf({ name: 'x', type: 'x' }), 'corrupt'],
  'an octal field with letters': [
    Buffer.concat([withChecksum(tarHeader({ name: 'a' }, 0).fill('x', 100, 104)), endMark]),
    'corrupt',
  ],
};

for (const [what, [archive, code]] of Object.entries(refused)) {
  test(`refused: ${what}`, () => assert.throws(() => read(archive), { code }));
}

for (const record of [
  '5 a=b',
  '99 a=b\n',
  '0 a=b\n',
  'x a=b\n',
  '6 ab\n',
  '6 =bc\n',
  '-6 a=b\n',
  '06 a=b\n',
  ' a=b\n',
]) {
  test(`refused: pax record ${JSON.stringify(record)}`, () => {
    const archive = Buffer.concat([tarEntry({ name: 'x', type: 'x', content: record }), tarOf({ name: 'a' })]);
    assert.throws(() => read(archive), { code: 'corrupt' });
  });
}

test('limits', () => {
  const refuse = (limits: Partial<TarLimits>) => assert.throws(() => read(sample, 512, limits), { code: 'exhausted' });
  refuse({ entries: 7 });
  refuse({ name: 299 });
  refuse({ pax: 300 });
  refuse({ content: 2516 });
  assert.equal(read(sample, 512, { entries: 8, name: 300, content: 2517 }).entries.length, 8);
});

/** Deterministic, so that a failure can be repeated (xorshift32). */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

test('damaged archives are read or refused, never anything else', () => {
  const seeds = [
    sample,
    tarOf({ name: 'a', pax: { path: 'b', 'SCHILY.xattr.user.x': 'y' } }, { name: 'c', content: 'd' }),
  ];
  const codes = new Map<string, number>();
  for (let round = 1; round <= 4000; round += 1) {
    const random = randomNumbers(round);
    const archive = Buffer.from(seeds[round % 2] ?? sample);
    for (let change = 0; change <= random(4); change += 1) {
      const at = random(archive.length);
      archive[at] = random(256);
      // Else nearly every damage would end at the checksum.
      const header = at - (at % 512);
      if (round % 4 !== 0) withChecksum(archive.subarray(header, header + 512));
    }
    const cut = random(3) === 0 ? archive.subarray(0, random(archive.length)) : archive;
    let outcome = 'read';
    try {
      read(cut, 1 + random(700));
    } catch (error) {
      assert.ok(error instanceof OnggiError, `round ${round}: ${error}`);
      outcome = error.code;
    }
    codes.set(outcome, (codes.get(outcome) ?? 0) + 1);
  }
  const seen = [...codes.keys()].filter((code) => code !== 'exhausted');
  assert.deepEqual(seen.sort(), ['corrupt', 'read', 'unsupported']);
});

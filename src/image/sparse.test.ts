import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readTar } from './tar.ts';
import { defaultTarLimits, type TarEntry, type TarLimits } from './tar-entry.ts';
import { type TestEntry, tarOf } from './testing.ts';

type Read = { readonly entry: TarEntry; readonly content: Buffer; readonly holes: number };

function read(archive: Buffer, size = archive.length, limits: Partial<TarLimits> = {}): Read[] {
  const found: Read[] = [];
  let current: TarEntry | undefined;
  let pieces: Buffer[] = [];
  let holes = 0;
  const reader = readTar(
    {
      entry: (entry) => {
        current = entry;
      },
      content: (bytes) => void pieces.push(Buffer.from(bytes)),
      hole: (bytes) => {
        holes += 1;
        pieces.push(Buffer.alloc(bytes));
      },
      end: () => {
        assert.ok(current);
        found.push({ entry: current, content: Buffer.concat(pieces), holes });
        pieces = [];
        holes = 0;
      },
    },
    { ...defaultTarLimits, ...limits },
  );
  for (let offset = 0; offset < archive.length; offset += size) {
    const chunk = Buffer.from(archive.subarray(offset, offset + size));
    reader.write(chunk);
    chunk.fill(0xee);
  }
  reader.finish();
  return found;
}

/** A file of `segments` islands of text in a sea of holes, with a hole at its end. */
async function sparseFile(path: string, segments: number): Promise<void> {
  await using file = await open(path, 'w');
  for (let index = 0; index < segments; index += 1) {
    await file.write(Buffer.from(`island ${index}\n`), 0, undefined, (index + 1) * 65_536 + (index % 3) * 100);
  }
  await file.truncate((segments + 2) * 65_536);
}

/** More than fit in a header (4), in one block behind it (21), and in one block of text. */
for (const segments of [0, 1, 3, 4, 5, 25, 26, 120]) {
  for (const format of ['gnu', '0.0', '0.1', '1.0']) {
    test(`GNU tar's sparse format ${format} with ${segments} segments`, async () => {
      const directory = mkdtempSync(join(tmpdir(), 'onggi-'));
      try {
        await sparseFile(join(directory, 'sparse'), segments);
        writeFileSync(join(directory, 'after'), 'plain');
        const kind = format === 'gnu' ? ['--format=gnu'] : ['--format=pax', `--sparse-version=${format}`];
        const made = spawnSync('tar', ['-C', directory, '--sparse', ...kind, '-cf', '-', 'sparse', 'after'], {
          maxBuffer: 1 << 26,
        });
        assert.equal(made.status, 0, made.stderr.toString());
        assert.ok(made.stdout.length < 65_536 * (segments + 2), 'it is sparse');
        for (const size of [made.stdout.length, 1000, 512, 7]) {
          const [first, after] = read(made.stdout, size);
          assert.equal(first?.entry.name.toString(), 'sparse');
          assert.equal(first.entry.type, 'file');
          assert.equal(first.entry.size, (segments + 2) * 65_536);
          assert.ok(first.content.equals(readFileSync(join(directory, 'sparse'))));
          assert.ok(first.holes > 0);
          assert.equal(after?.content.toString(), 'plain');
        }
      } finally {
        rmSync(directory, { recursive: true });
      }
    });
  }
}

function pax(records: Record<string, string>, content = ''): TestEntry {
  return {
    name: 'a',
    content,
    pax: Object.fromEntries(Object.entries(records).map(([k, v]) => [`GNU.sparse.${k}`, v])),
  };
}

function block(text: string): string {
  return text.padEnd(Math.ceil(text.length / 512) * 512, '\0');
}

const one = { major: '1', minor: '0', name: 'a', realsize: '1000' };

const refused: Readonly<Record<string, readonly [TestEntry, string]>> = {
  'segments that overlap': [pax({ size: '100', map: '0,10,5,5' }, 'x'.repeat(15)), 'corrupt'],
  'segments out of order': [pax({ size: '100', map: '50,5,0,5' }, 'x'.repeat(10)), 'corrupt'],
  'a segment behind the end': [pax({ size: '100', map: '99,5' }, 'x'.repeat(5)), 'corrupt'],
  'a segment whose end overflows': [pax({ size: '100', map: '9007199254740991,5' }, 'x'.repeat(5)), 'corrupt'],
  'less content than the map says': [pax({ size: '100', map: '0,50' }, 'x'.repeat(5)), 'corrupt'],
  'more content than the map says': [pax({ size: '100', map: '0,5' }, 'x'.repeat(50)), 'corrupt'],
  'an offset without a length': [pax({ size: '100', map: '0' }), 'corrupt'],
  'a map of words': [pax({ size: '100', map: 'a,b' }), 'corrupt'],
  'no map': [pax({ size: '100' }), 'corrupt'],
  'an unknown version': [pax({ major: '1', minor: '1', realsize: '5' }), 'corrupt'],
  'a negative size': [pax({ size: '-5', map: '' }), 'corrupt'],
  'a size over the limit': [pax({ size: '1000000000000', map: '' }), 'exhausted'],
  'a count over the limit': [pax(one, block('100000000\n0\n1\n')), 'exhausted'],
  'a count that is none': [pax(one, block('x\n')), 'corrupt'],
  'a text without lines': [pax(one, block('1'.repeat(600))), 'corrupt'],
  'a text that the content is too short for': [pax(one, block('200\n0\n1\n')), 'corrupt'],
  'a text of a file without content': [pax(one), 'corrupt'],
  'an old header with a wrong number': [{ name: 'a', type: 'S', prefix: `${'\0'.repeat(41)}99999999999 9` }, 'corrupt'],
};

for (const [what, [entry, code]] of Object.entries(refused)) {
  test(`refused: a sparse file with ${what}`, () => {
    assert.throws(() => read(tarOf(entry)), { code });
    assert.throws(() => read(tarOf(entry), 7), { code });
  });
}

test('who does not know of holes is told of none', () => {
  const reader = readTar({ entry: () => {}, content: () => {}, end: () => {} });
  assert.throws(() => reader.write(tarOf(pax({ size: '100', map: '' }))), { code: 'unsupported' });
});

test('a map of many segments takes no longer than it is long', () => {
  const count = 60_000;
  const text = `${count}\n${Array.from({ length: count }, (_, index) => `${index * 2}\n1\n`).join('')}`;
  const entry = pax({ ...one, realsize: String(2 * count) }, `${block(text)}${'x'.repeat(count)}`);
  const [found] = read(tarOf(entry), 4096);
  assert.equal(found?.content.length, 2 * count);
});

test('records of a sparse file say nothing about other types', () => {
  const [found] = read(tarOf({ ...pax({ size: '100', map: '' }), type: '5' }));
  assert.deepEqual([found?.entry.type, found?.entry.size], ['directory', 0]);
});

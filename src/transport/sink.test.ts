import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { OnggiError } from '../errors.ts';
import { archiveSink } from './archive-sink.ts';
import { readRange } from './files.ts';
import { checkLevel } from './format.ts';
import { writeSized } from './sink.ts';

function scratch(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'onggi-sink-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

async function* pieces(count: number, failure?: Error): AsyncGenerator<Buffer> {
  for (let index = 0; index < count; index += 1) yield Buffer.alloc(1_000_000, index);
  if (failure !== undefined) throw failure;
}

test('bytes are written in their order and read again, over the size at which the disk begins', async () => {
  using place = scratch();
  const path = join(place.path, 'file');
  const fd = openSync(path, 'w+');
  await writeSized(fd, 9_000_000, pieces(9), 'a file');
  const all = readFileSync(path);
  assert.equal(all.length, 9_000_000);
  for (let index = 0; index < 9; index += 1) assert.equal(all[index * 1_000_000 + 999_999], index);
  const found: Buffer[] = [];
  for await (const piece of readRange(fd, 500, 8_000_000, 'a file')) found.push(piece);
  assert.ok(Buffer.concat(found).equals(all.subarray(500, 8_000_500)));
  await assert.rejects(
    Array.fromAsync(readRange(fd, 500, 9_000_000, 'a file')),
    /a file: ends after 8999500 of 9000000 bytes/,
  );
  // The same from rooms that take turns, into another file: what is read next does not meet what is being written.
  const copy = openSync(join(place.path, 'copy'), 'w+');
  await writeSized(copy, 8_999_000, readRange(fd, 500, 8_999_000, 'a file', undefined, true), 'a copy');
  assert.ok(readFileSync(join(place.path, 'copy')).equals(all.subarray(500, 8_999_500)));
  closeSync(copy);
  // Who stops early leaves nothing behind that would read from a closed descriptor.
  for await (const _ of readRange(fd, 0, 9_000_000, 'a file')) break;
  closeSync(fd);
});

test('too few bytes, too many, a source that fails and a descriptor that is closed', async () => {
  using place = scratch();
  const fd = openSync(join(place.path, 'file'), 'w');
  await assert.rejects(writeSized(fd, 2_000_001, pieces(2), 'a file'), /2000001 bytes were announced, other came/);
  await assert.rejects(writeSized(fd, 1_999_999, pieces(2), 'a file'), /1999999 bytes were announced, other came/);
  await assert.rejects(writeSized(fd, 3_000_000, pieces(2, new Error('gone')), 'a file'), /^Error: gone$/);
  closeSync(fd);
  const reading = openSync(join(place.path, 'file'), 'r');
  // The first piece fails while the second one is made.
  await assert.rejects(
    writeSized(reading, 2_000_000, pieces(2), 'a file'),
    (error) => error instanceof OnggiError && error.message.startsWith('write a file: '),
  );
  closeSync(reading);
});

test('a path through a file is said to be one', async () => {
  using place = scratch();
  const path = join(place.path, 'file', 'archive');
  writeFileSync(join(place.path, 'file'), '');
  const said = (error: unknown) =>
    error instanceof OnggiError && error.code === 'invalid' && error.message.includes(path);
  await assert.rejects(archiveSink({ path }), said);
  await assert.rejects(archiveSink({ path: place.path }), /it is a directory/);
});

test('levels of a compression', () => {
  for (const level of [0, 9]) checkLevel({ format: 'gzip', level });
  for (const level of [1, 22]) checkLevel({ format: 'zstd', level });
  assert.throws(() => checkLevel({ format: 'gzip', level: 10 }), /compression level 10: gzip has 0 to 9/);
  assert.throws(() => checkLevel({ format: 'zstd', level: 0 }), /compression level 0: zstd has 1 to 22/);
});

/** The process that makes the files of a layer, with records that nobody would send. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseEntryPath } from '../../src/image/entry-path.ts';
import type { TarEntry, TarEntryType } from '../../src/image/tar-entry.ts';
import { recordWriter } from '../../src/image/unpack-record.ts';
import { repository } from '../harness/busybox-image.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { sh } from './unpack-world.ts';

/** Every type of record and of entry, with what makes them longer. */
function richRecords(): Buffer {
  const pieces: Buffer[] = [];
  const records = recordWriter((bytes) => pieces.push(Buffer.from(bytes)));
  const add = (type: TarEntryType, name: string, more: Partial<TarEntry> = {}, link = ''): void => {
    const modified = { seconds: -5, nanoseconds: 7 };
    const plain = { type, name: Buffer.from(name), linkName: Buffer.alloc(0), mode: 0o755, uid: 0, gid: 0, size: 0 };
    const entry = { ...plain, modified, major: 1, minor: 3, attributes: new Map(), ...more };
    const attributes = [...entry.attributes];
    records.entry(entry, parseEntryPath(entry.name), Buffer.from(link), attributes);
  };
  records.start(1000, true);
  add('directory', './');
  add('directory', 'd/', { mode: 0o2775, gid: 50 });
  add('file', 'd/f', { mode: 0o4755, uid: 7, size: 20, attributes: new Map([['user.a', Buffer.from('value')]]) });
  records.data(Buffer.from('0123456789'));
  records.hole(10);
  records.end();
  add('hardlink', 'd/g', {}, 'd/f');
  add('symlink', 'd/s', {}, '../../outside');
  add('file', 'd/s/../x');
  records.end();
  add('fifo', 'deep/er/p');
  add('character', 'd/null');
  add('file', 'd');
  records.end();
  records.hidden('whiteout', Buffer.from('a/.wh.gone'), parseEntryPath(Buffer.from('a/gone')));
  records.hidden('opaque', Buffer.from('o/.wh..wh..opq'), parseEntryPath(Buffer.from('o')));
  add('directory', 'a/gone');
  records.nothing(Buffer.from('.wh..wh.plnk'));
  records.finish();
  return Buffer.concat(pieces);
}

test('damaged records are refused or stay in the layer', { timeout: 120_000, ...requires('root') }, async () => {
  const fuzzer = join(repository, 'dist/asan/unpack-fuzz');
  assert.ok(existsSync(fuzzer), 'run make shim-asan');
  await using scratch = makeScratch();
  const seed = join(scratch.path, 'records');
  const directory = join(scratch.path, 'd');
  mkdirSync(directory);
  writeFileSync(seed, richRecords());
  // In memory: every round makes and removes a layer.
  sh(`mount -t tmpfs -o size=64m,mode=0700 tmpfs ${directory}`);
  using _ = { [Symbol.dispose]: () => sh(`umount ${directory}`) };
  const result = spawnSync(fuzzer, [seed, '1500', directory, '1'], { encoding: 'utf8' });
  assert.equal(result.status, 0, result.stderr);
  assert.match(result.stdout, /damaged streams/);
});

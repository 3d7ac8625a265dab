import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { OnggiError } from '../errors.ts';
import { directorySink } from './directory-sink.ts';
import { directoryFiles } from './files.ts';
import { once, type Sink } from './sink.ts';

function scratch(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'onggi-directory-sink-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

function sinkOf(path: string): Sink {
  const files = directoryFiles(path);
  return directorySink(path, (name) => files.size(name));
}

const put = (sink: Sink, path: string, text: string): Promise<void> =>
  sink.put(path, text.length, once(Buffer.from(text)));

test('files have their names when all is done, however many there are, and are known at once', async () => {
  using place = scratch();
  const path = join(place.path, 'a/b');
  const sink = sinkOf(path);
  const names = Array.from({ length: 40 }, (_, index) => `blobs/${index}`);
  await Promise.all(names.map((name) => put(sink, name, name)));
  for (const name of names) assert.equal(sink.has(name, name.length), true, name);
  assert.equal(sink.has('blobs/0', 1), false);
  await put(sink, 'index', 'first');
  assert.equal(existsSync(join(path, 'index')), false, 'before it is on disk');
  await put(sink, 'index', 'second');
  await sink.finish();
  assert.equal(readFileSync(join(path, 'index'), 'utf8'), 'second');
  assert.deepEqual(readdirSync(path).sort(), ['blobs', 'index']);
  assert.deepEqual(readdirSync(join(path, 'blobs')).sort(), names.map((name) => name.slice(6)).sort());
  for (const name of names) assert.equal(readFileSync(join(path, name), 'utf8'), name);
  await sink[Symbol.asyncDispose]();
});

test('what came whole stays, what did not leaves nothing', async () => {
  using place = scratch();
  const sink = sinkOf(place.path);
  await put(sink, 'whole', 'all of it');
  await assert.rejects(sink.put('short', 10, once(Buffer.from('some'))), /10 bytes were announced/);
  assert.equal(sink.has('short', 10), false);
  await sink[Symbol.asyncDispose]();
  assert.deepEqual(readdirSync(place.path), ['whole']);
});

test('a name that is taken by a directory is said, and nothing after it gets its name', async () => {
  using place = scratch();
  mkdirSync(join(place.path, 'taken'));
  const sink = sinkOf(place.path);
  await put(sink, 'taken', 'a file');
  await put(sink, 'index', 'names it');
  const said = (error: unknown) => error instanceof OnggiError && /write ".*taken"/.test(error.message);
  await assert.rejects(sink.finish(), said);
  await put(sink, 'late', 'too late');
  await assert.rejects(sink.finish(), said);
  await sink[Symbol.asyncDispose]();
  assert.deepEqual(readdirSync(place.path), ['taken']);
});

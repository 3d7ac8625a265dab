import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { OnggiError } from '../errors.ts';
import { sha256 } from '../oci/digest.ts';
import { blobPath, type Layout } from './layout.ts';
import { openPartial, type PartialBlob } from './partial.ts';
import { openStore } from './store.ts';
import { removeAbandoned } from './temporary.ts';

const content = randomBytes(3_000_000);
const ask = { digest: sha256(content), size: content.length };
const signal = new AbortController().signal;

function scratch(t: TestContext): Layout {
  const directory = mkdtempSync(join(tmpdir(), 'onggi-partial-'));
  const store = openStore(join(directory, 'root'));
  t.after(() => {
    store[Symbol.dispose]();
    rmSync(directory, { recursive: true });
  });
  return store.layout;
}

function partials(layout: Layout): string[] {
  return readdirSync(layout.temporary).filter((name) => name.startsWith('partial-') && !name.endsWith('.lock'));
}

/** Writes what is there and then `content` up to `end`. @returns the bytes that were there */
function write(partial: PartialBlob, end: number, source: Buffer = content): number {
  for (const piece of partial.known()) partial.writer.write(piece);
  for (let at = partial.offset; at < end; at += 1_000_000) {
    partial.writer.write(source.subarray(at, Math.min(end, at + 1_000_000)));
  }
  return partial.offset;
}

test('goes on where it was left, and the file goes with the blob', async (t) => {
  const layout = scratch(t);
  {
    using first = await openPartial(layout, ask, signal);
    using _ = first.writer;
    assert.equal(write(first, 1_500_000), 0);
  }
  assert.equal(partials(layout).length, 1);
  {
    using second = await openPartial(layout, ask, signal);
    using _ = second.writer;
    assert.equal(write(second, content.length), 1_500_000);
    const blob = second.writer.finish();
    renameSync(blob.move.from, blob.move.to);
    second[Symbol.dispose]();
  }
  assert.ok(readFileSync(blobPath(layout, ask.digest)).equals(content));
  assert.deepEqual(readdirSync(layout.temporary), []);
});

test('the next one waits, and then has all of it though the first has not given it its name yet', async (t) => {
  const layout = scratch(t);
  const first = await openPartial(layout, ask, signal);
  using writer = first.writer;
  const waiting = openPartial(layout, ask, signal);
  const stopped = openPartial(layout, ask, AbortSignal.timeout(20));
  await assert.rejects(stopped, (error) => error instanceof OnggiError && error.code === 'cancelled');
  write(first, content.length);
  writer.finish();
  first[Symbol.dispose]();
  using second = await waiting;
  using _ = second.writer;
  assert.equal(write(second, content.length), content.length);
  second.writer.finish();
});

test('wrong bytes are found at the end and thrown away', async (t) => {
  const layout = scratch(t);
  {
    using first = await openPartial(layout, ask, signal);
    using _ = first.writer;
    write(first, 2_000_000, randomBytes(content.length));
  }
  {
    using second = await openPartial(layout, ask, signal);
    using _ = second.writer;
    write(second, content.length);
    assert.throws(() => second.writer.finish(), /the bytes that came have digest/);
    second.discard();
  }
  assert.deepEqual(readdirSync(layout.temporary), []);
  using third = await openPartial(layout, ask, signal);
  using _ = third.writer;
  assert.throws(() => third.writer.write(Buffer.alloc(content.length + 1)), /over 3000000 bytes/);
  third.writer.write(content.subarray(1));
  assert.throws(() => third.writer.finish(), /3000000 bytes were announced, 2999999 came/);
});

test('the collector leaves a young one and takes an old one, or all when it is told', async (t) => {
  const layout = scratch(t);
  const leave = async (): Promise<string> => {
    using partial = await openPartial(layout, ask, signal);
    using _ = partial.writer;
    write(partial, 1_000_000);
    assert.deepEqual(removeAbandoned(layout, { partials: true }), [], 'it is in use');
    return join(layout.temporary, partials(layout)[0] ?? '');
  };
  const path = await leave();
  assert.deepEqual(removeAbandoned(layout), []);
  assert.deepEqual(removeAbandoned(layout, { partials: true }), [path]);
  await leave();
  const old = Date.now() / 1000 - 25 * 3600;
  utimesSync(path, old, old);
  assert.deepEqual(removeAbandoned(layout), [path]);
  assert.deepEqual(readdirSync(layout.temporary), []);
  writeFileSync(path, Buffer.alloc(content.length + 5));
  using longer = await openPartial(layout, ask, signal);
  using _ = longer.writer;
  assert.equal(longer.offset, 0);
});

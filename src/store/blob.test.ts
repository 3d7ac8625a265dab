import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { sha256 } from '../oci/digest.ts';
import { createBlobWriter, hasBlob, publishBlob, putBlob, readBlob } from './blob.ts';
import { blobPath } from './layout.ts';
import { lockContent } from './lock.ts';
import { openStore } from './store.ts';
import { createTemporary, removeAbandoned, removeIdleLock, removeNamed } from './temporary.ts';

function scratch(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'onggi-blob-'));
  const store = openStore(join(directory, 'root'));
  t.after(() => {
    store[Symbol.dispose]();
    rmSync(directory, { recursive: true });
  });
  return store.layout;
}

const bytes = new TextEncoder().encode('hello');

test('a blob is named by the digest of its bytes, and only when published', (t) => {
  const layout = scratch(t);
  {
    using writer = createBlobWriter(layout, { digest: sha256(bytes), size: 5 });
    writer.write(bytes.subarray(0, 2));
    writer.write(bytes.subarray(2));
    const written = writer.finish();
    assert.equal(hasBlob(layout, written.digest), false);
    publishBlob(written);
  }
  assert.deepEqual(readdirSync(layout.temporary), []);
  assert.equal(readFileSync(blobPath(layout, sha256(bytes)), 'utf8'), 'hello');
  assert.equal(readBlob(layout, sha256(bytes), 5).toString(), 'hello');
  assert.equal(putBlob(layout, bytes), sha256(bytes));
});

test('wrong digest, wrong size and too many bytes are corrupt and leave nothing', (t) => {
  const layout = scratch(t);
  const write = (expected: Parameters<typeof createBlobWriter>[1]) => {
    using writer = createBlobWriter(layout, expected);
    writer.write(bytes);
    return writer.finish();
  };
  assert.throws(() => write({ digest: sha256('other') }), { code: 'corrupt' });
  assert.throws(() => write({ size: 6 }), { code: 'corrupt' });
  assert.throws(() => write({ size: 4 }), { code: 'corrupt' });
  assert.throws(() => write({ limit: 4 }), { code: 'corrupt' });
  assert.deepEqual(readdirSync(layout.temporary), []);
});

test('reading checks limit and content', (t) => {
  const layout = scratch(t);
  const digest = putBlob(layout, bytes);
  assert.throws(() => readBlob(layout, digest, 4), { code: 'corrupt' });
  assert.throws(() => readBlob(layout, sha256('other'), 4), { code: 'not-found' });
  writeFileSync(blobPath(layout, digest), 'HELLO');
  assert.throws(() => readBlob(layout, digest, 9), { code: 'corrupt' });
});

test('what a living owner makes is kept, what a dead one left is removed', (t) => {
  const layout = scratch(t);
  writeFileSync(join(layout.temporary, 'dead'), 'x');
  writeFileSync(join(layout.temporary, 'idle.lock'), '');
  {
    using mine = createTemporary(layout);
    writeFileSync(mine.path, 'x');
    assert.deepEqual(removeAbandoned(layout), [join(layout.temporary, 'dead')]);
    assert.ok(existsSync(mine.path));
  }
  assert.deepEqual(readdirSync(layout.temporary), []);
  assert.deepEqual(removeAbandoned(layout), []);
});

test('removing a named thing twice is no error', (t) => {
  const layout = scratch(t);
  const path = blobPath(layout, putBlob(layout, bytes));
  assert.equal(removeNamed(layout, path), true);
  assert.equal(removeNamed(layout, path), false);
  assert.deepEqual(readdirSync(layout.temporary), []);
});

test('the collector waits for those who publish', async (t) => {
  const layout = scratch(t);
  const publishing = await lockContent(layout, 'shared');
  const another = await lockContent(layout, 'shared');
  await assert.rejects(lockContent(layout, 'exclusive', AbortSignal.timeout(30)), { code: 'cancelled' });
  assert.equal(removeIdleLock(publishing.path), false);
  publishing[Symbol.dispose]();
  another[Symbol.dispose]();
  const collecting = await lockContent(layout, 'exclusive');
  collecting[Symbol.dispose]();
  assert.equal(removeIdleLock(publishing.path), true);
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseDigest, sha256 } from '../oci/digest.ts';
import { publishBlob } from './blob.ts';
import { blobPath } from './layout.ts';
import { openStore } from './store.ts';
import { removeAbandoned } from './temporary.ts';
import { createUpload } from './upload.ts';

const scratch = mkdtempSync(join(tmpdir(), 'onggi-upload-'));
const store = openStore(join(scratch, 's'));
after(() => {
  store[Symbol.dispose]();
  rmSync(scratch, { recursive: true });
});
const { layout } = store;
const bytes = (text: string) => Buffer.from(text);

test('comes in pieces, goes back to a mark as often as one likes, and gets its name', async () => {
  {
    await using upload = createUpload(layout);
    await upload.write(bytes('hello '));
    const mark = upload.mark();
    for (const wrong of ['wrong', 'w']) {
      await upload.write(bytes(wrong));
      await upload.rewind(mark);
    }
    await upload.write(bytes('world'));
    assert.equal(upload.size, 11);
    assert.deepEqual(removeAbandoned(layout), [], 'it is not abandoned while it is open');
    publishBlob(await upload.finish(sha256('hello world')));
  }
  assert.equal(readFileSync(blobPath(layout, sha256('hello world')), 'utf8'), 'hello world');
  assert.deepEqual(readdirSync(layout.temporary), []);
});

test('sha512', async () => {
  await using upload = createUpload(layout);
  await upload.write(bytes('x'));
  const digest = parseDigest(`sha512:${createHash('sha512').update('x').digest('hex')}`);
  assert.equal((await upload.finish(digest)).digest, digest);
});

test('other bytes than the digest says are not finished, and nothing is left', async () => {
  {
    await using upload = createUpload(layout);
    await upload.write(bytes('x'));
    await assert.rejects(upload.finish(sha256('y')), { code: 'corrupt' });
  }
  assert.deepEqual(readdirSync(layout.temporary), []);
});

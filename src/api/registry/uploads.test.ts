import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContentUpload } from '../../engine/content/content.ts';
import { makeUploads } from './uploads.ts';

function fake(repository: string): ContentUpload & { gone: boolean } {
  const upload = {
    repository,
    size: 0,
    gone: false,
    write: async () => {},
    mark: () => async () => {},
    finish: async () => {},
    async [Symbol.asyncDispose]() {
      upload.gone = true;
    },
  };
  return upload;
}

test("an upload is one request's at a time, in its own repository", async () => {
  await using uploads = makeUploads({ most: 2, kept: 10_000 });
  const id = uploads.add(() => fake('a')) ?? '';
  assert.match(id, /^[0-9a-f]{32}$/);
  assert.equal(uploads.take('b', id), undefined);
  assert.equal(uploads.take('a', id.replace(/./, 'x')), undefined);
  {
    const taken = uploads.take('a', id);
    assert.ok(taken !== undefined && taken !== 'busy');
    using _ = taken;
    assert.equal(uploads.take('a', id), 'busy');
  }
  const again = uploads.take('a', id);
  assert.ok(again !== undefined && again !== 'busy');
  await again.drop();
  assert.equal(uploads.take('a', id), undefined);
});

test('there are not too many, old ones go, and all go in the end', async () => {
  const made: ReturnType<typeof fake>[] = [];
  const start = () => {
    const upload = fake('a');
    made.push(upload);
    return upload;
  };
  {
    await using uploads = makeUploads({ most: 2, kept: 20 });
    assert.ok(uploads.add(start) && uploads.add(start));
    assert.equal(uploads.add(start), undefined);
    while (made.some(({ gone }) => !gone)) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.ok(uploads.add(start));
  }
  assert.deepEqual(
    made.map(({ gone }) => gone),
    [true, true, true],
  );
});

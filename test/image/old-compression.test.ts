/** `import` of what xz and bzip2 have compressed: by the machine's programs, which are given nothing but the bytes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importImage } from '../../src/image/import.ts';
import { tarOf } from '../../src/image/testing.ts';
import { all } from '../../src/store/database.ts';
import { once, unpacked, unpackTest } from './unpack-world.ts';

const content = randomBytes(300_000);
const archive = tarOf({ name: 'a', content }, { name: 'b', content: 'b' });

function compressed(program: string): Buffer {
  const { status, stdout } = spawnSync(program, ['-c'], { input: archive, maxBuffer: 1 << 24 });
  assert.equal(status, 0);
  return stdout;
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

for (const program of ['xz', 'bzip2'] as const) {
  unpackTest(`an archive that ${program} has compressed`, [program], async ({ store }) => {
    const bytes = compressed(program);
    assert.ok(readFileSync(join(await unpacked(store, once(bytes)), 'a')).equals(content));
    assert.ok(readFileSync(join(await unpacked(store, inPieces(bytes, 3)), 'a')).equals(content));
    // What is kept is the archive itself, which every engine can read.
    const [layer] = all(store.database, 'SELECT blob, diff_id FROM layers');
    assert.equal(layer?.['blob'], layer?.['diff_id']);
  });

  unpackTest(`a ${program} archive that is damaged or cut off registers nothing`, [program], async ({ store }) => {
    const bytes = compressed(program);
    const flipped = Buffer.from(bytes);
    flipped.writeUInt8(flipped.readUInt8(1000) ^ 0xff, 1000);
    for (const damaged of [bytes.subarray(0, 100_000), bytes.subarray(0, 10), flipped]) {
      await assert.rejects(importImage(store, once(damaged), 'x'), { code: 'corrupt' });
    }
    assert.deepEqual(all(store.database, 'SELECT * FROM layers'), []);
  });

  unpackTest(`a ${program} archive whose source fails, or that somebody gives up on`, [program], async ({ store }) => {
    const bytes = compressed(program);
    async function* failing(): AsyncGenerator<Buffer> {
      yield bytes.subarray(0, 50_000);
      throw new Error('the source broke');
    }
    await assert.rejects(importImage(store, failing(), 'x'), /the source broke/);
    async function* stuck(): AsyncGenerator<Buffer> {
      yield bytes.subarray(0, 50_000);
      await new Promise((resolve) => setTimeout(resolve, 30_000).unref());
    }
    const signal = AbortSignal.timeout(200);
    await assert.rejects(importImage(store, stuck(), 'x', { signal }), { code: 'cancelled' });
    assert.deepEqual(all(store.database, 'SELECT * FROM layers'), []);
  });
}

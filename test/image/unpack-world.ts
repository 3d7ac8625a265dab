/** A store of a test's own to import into with the library, and what must be true of it afterwards. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { importImage } from '../../src/image/import.ts';
import { layersOfImage } from '../../src/store/layer-row.ts';
import { layerPath } from '../../src/store/layout.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { findLeaks, ownSnapshot } from '../harness/leaks.ts';
import { type Need, requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { storeLeaks } from '../harness/store-leaks.ts';

export type World = { readonly scratch: string; readonly store: Store };

/** A test with a store of its own; fails on what is left in the store or on the machine. */
export function unpackTest(name: string, needs: readonly Need[], body: (world: World) => Promise<void>): void {
  test(name, { timeout: 120_000, ...requires('root', ...needs) }, async () => {
    const before = ownSnapshot();
    {
      await using scratch = makeScratch();
      using store = openStore(join(scratch.path, 's'));
      await body({ scratch: scratch.path, store });
      assert.deepEqual(storeLeaks(store.layout.root), []);
    }
    assert.deepEqual(await findLeaks(before, undefined, ownSnapshot), []);
  });
}

export async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

/** Imports and returns the path of the unpacked layer. */
export async function unpacked(store: Store, source: string | AsyncIterable<Uint8Array>): Promise<string> {
  const { id } = await importImage(store, source, null);
  const [layer] = layersOfImage(store.database, id);
  assert.ok(layer);
  return layerPath(store.layout, layer.directory);
}

/** @throws AssertionError when it fails */
export function sh(command: string, cwd?: string): void {
  const result = spawnSync('sh', ['-ec', command], { encoding: 'utf8', cwd });
  assert.equal(result.status, 0, `${command}: ${result.stderr}`);
}

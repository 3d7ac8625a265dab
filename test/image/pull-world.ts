/** A store of a test's own to pull into with the library, and what must be true of it afterwards. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Context, makeContext } from '../../src/engine/context.ts';
import type { PullOptions } from '../../src/engine/image/images.ts';
import { pull } from '../../src/engine/image/pull.ts';
import type { PullEvent } from '../../src/engine/types.ts';
import { findImage } from '../../src/image/find.ts';
import { all } from '../../src/store/database.ts';
import { layersOfImage } from '../../src/store/layer-row.ts';
import { layerPath } from '../../src/store/layout.ts';
import { findLeaks, ownSnapshot } from '../harness/leaks.ts';
import { type Need, requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { storeLeaks } from '../harness/store-leaks.ts';

export type PullWorld = {
  readonly root: string;
  readonly scratch: string;
  readonly context: Context;
  readonly warnings: readonly string[];
  /** Pulls to the end. No credentials of whoever runs the test are read. */
  pull(name: string, options?: PullOptions): Promise<PullEvent[]>;
};

export function pullTest(name: string, needs: readonly Need[], body: (world: PullWorld) => Promise<void>): void {
  test(name, { timeout: 60_000, ...requires('root', ...needs) }, async () => {
    const before = ownSnapshot();
    {
      await using scratch = makeScratch();
      const root = join(scratch.path, 's');
      const warnings: string[] = [];
      const context = makeContext({ root, onWarning: ({ message }) => warnings.push(message) });
      using _ = { [Symbol.dispose]: () => context.close() };
      const credentialsFile = join(scratch.path, 'no-config.json');
      const pulled = async (name: string, options: PullOptions = {}) => {
        const events: PullEvent[] = [];
        for await (const event of pull(context, name, { credentialsFile, ...options })) events.push(event);
        return events;
      };
      await body({ root, scratch: scratch.path, context, warnings, pull: pulled });
      assert.deepEqual(storeLeaks(root), []);
    }
    assert.deepEqual(await findLeaks(before, undefined, ownSnapshot), []);
  });
}

/** No image, name, layer or blob, and nothing on its way. */
export function assertEmpty({ context, root }: PullWorld): void {
  const rows = ['images', 'image_names', 'layers', 'image_layers'].map((table) => [
    table,
    all(context.store.database, `SELECT * FROM ${table}`).length,
  ]);
  assert.deepEqual(Object.fromEntries(rows), { images: 0, image_names: 0, layers: 0, image_layers: 0 });
  for (const directory of ['layers', 'tmp', 'blobs/sha256', 'blobs/sha512']) {
    const found = readdirSync(join(root, directory)).filter((name) => !name.startsWith('partial-'));
    assert.deepEqual(found, [], directory);
  }
}

/** Types of events, progress left out: how often it comes depends on the network. */
export function typesOf(events: readonly PullEvent[]): string[] {
  return events.map(({ type }) => type).filter((type) => type !== 'layer-progress');
}

/** The content of each layer's directory, lowest first. */
export function unpackedFiles({ context }: PullWorld, name: string): string[][] {
  const { store } = context;
  const layers = layersOfImage(store.database, findImage(store, name).id);
  return layers.map(({ directory }) => readdirSync(layerPath(store.layout, directory)));
}

/** An image of a store as text: its config, the files of its layers with all metadata. */
import { createHash } from 'node:crypto';
import { findImage } from '../../src/image/find.ts';
import { layersOfImage } from '../../src/store/layer-row.ts';
import { layerPath } from '../../src/store/layout.ts';
import { openStore } from '../../src/store/store.ts';
import { describeTree } from './unpack-tree.ts';

export function describeStored(
  root: string,
  name: string,
): { readonly id: string; readonly layers: readonly string[] } {
  using store = openStore(root);
  const image = findImage(store, name);
  const layers = layersOfImage(store.database, image.id).map(({ directory, diffId }) => {
    // A whiteout is no entry of the archive: its time is that of the unpacking.
    const lines = describeTree(layerPath(store.layout, directory)).map((line) => line.replace(/ \d+ device 0$/, ''));
    return `${diffId} ${createHash('sha256').update(lines.join('\n')).digest('hex')}`;
  });
  return { id: image.id, layers };
}

/** What tests of rows need: example records. Not loaded by the product. */
import { type ChainId, chainIds, type DiffId, type Digest, sha256 } from '../oci/digest.ts';
import { type ContainerRow, noRestart } from './container-row.ts';
import type { LayerRow } from './layer-row.ts';

/** A container of the image `host`, id filled up to 64 digits. */
export function exampleContainer(id: string, name: string, change: Partial<ContainerRow> = {}): ContainerRow {
  return {
    id: id.padEnd(64, '0'),
    name,
    imageReference: 'host',
    imageId: null,
    state: 'created',
    options: '{}',
    created: 1,
    startedAt: null,
    finishedAt: null,
    pid: null,
    pidStartTime: null,
    ending: null,
    networkMode: 'none',
    networkName: null,
    autoRemove: false,
    cgroup: null,
    listedCommand: null,
    listedPorts: '',
    ...noRestart,
    ...change,
  };
}

/** Layers with these contents, lowest first. */
export function exampleLayers(...contents: string[]): LayerRow[] {
  const diffIds = contents.map((content) => sha256(content) as DiffId);
  const chain = chainIds(diffIds);
  return contents.map((content, index) => ({
    chainId: chain[index] as ChainId,
    diffId: sha256(content) as DiffId,
    parent: chain[index - 1] ?? null,
    directory: `${contents.slice(0, index + 1).join('-')}`,
    size: content.length,
    blob: sha256(`blob of ${content}`),
    created: 1,
  }));
}

export function exampleImage(name: string): { id: Digest; manifest: Digest; created: number; size: number } {
  return { id: sha256(`config of ${name}`), manifest: sha256(`manifest of ${name}`), created: 1, size: 1 };
}

/** The layers of an image that are missing: read, verified and unpacked, each as one stream, side by side. */

import { type Code, OnggiError } from '../errors.ts';
import type { ChainId, DiffId, Digest } from '../oci/digest.ts';
import type { Descriptor } from '../oci/image-spec.ts';
import { layerByChainId } from '../store/layer-row.ts';
import { lockLayer } from '../store/lock.ts';
import { leastPartial, openPartial } from '../store/partial.ts';
import type { Store } from '../store/store.ts';
import { type NewLayer, type StagedLayer, stageLayer } from './layer.ts';
import { limited } from './limited.ts';

export type PlacedLayer = {
  readonly descriptor: Descriptor;
  readonly diffId: DiffId;
  readonly chainId: ChainId;
};

/** Layers without a name yet, with the locks that keep others from fetching them too. Disposed of after publishing. */
export type StagedLayers = Disposable & {
  /** Those that were missing, lowest first. */
  readonly layers: readonly NewLayer[];
};

export type LayerWork = {
  readonly store: Store;
  /** Bytes of a layer's blob from `offset` on, as many as announced; they are verified here. */
  readonly open: (descriptor: Descriptor, signal: AbortSignal, offset: number) => AsyncIterable<Uint8Array>;
  /**
   * They come from far away, and `open` can begin anywhere: what was received is kept when the rest does not come, and
   * what is on its way already is waited for. Absent: `offset` is always 0.
   */
  readonly resumable?: boolean;
  /** All of the image, lowest first. */
  readonly layers: readonly PlacedLayer[];
  readonly put: (event: LayerEvent) => void;
  readonly signal: AbortSignal;
};

/** What becomes of each layer; `digest` is that of its blob. */
export type LayerEvent =
  | { readonly type: 'layer-exists'; readonly digest: Digest }
  | { readonly type: 'layer-progress'; readonly digest: Digest; readonly current: number; readonly total: number }
  | { readonly type: 'layer-done'; readonly digest: Digest };

/** More would only share the same line; fewer would wait for one slow answer. Docker has three, containerd too. */
const parallelLayers = 4;

/**
 * A layer that is in the store is left alone; one that another process is unpacking is waited for. The first failure ends
 * the others.
 * @throws OnggiError of `open` and `stageLayer`; `cancelled`
 */
export async function stageLayers(work: LayerWork): Promise<StagedLayers> {
  using undo = new DisposableStack();
  const stop = new AbortController();
  const signal = AbortSignal.any([work.signal, stop.signal]);
  const inTurn = limited(parallelLayers);
  const layers: Promise<NewLayer | undefined>[] = [];
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown): undefined => {
    failure ??= { error };
    stop.abort(error);
  };
  try {
    // Locks are taken from the lowest layer up, as all do, so no two commands wait for each other.
    for (const [index, layer] of work.layers.entries()) {
      const { chainId } = layer;
      const guard = await claim(work, chainId, signal);
      if (guard === undefined) {
        work.put({ type: 'layer-exists', digest: layer.descriptor.digest });
        continue;
      }
      undo.use(guard);
      const parent = work.layers[index - 1]?.chainId ?? null;
      const stageIt = async (): Promise<NewLayer> => {
        const staged = undo.use(await stage(work, layer, parent === null, signal));
        return { chainId, parent, staged };
      };
      // A failure is kept, not thrown: nobody waits for this promise before all locks are there.
      layers.push(inTurn(stageIt).catch(fail));
    }
  } catch (error) {
    fail(error);
  }
  const staged = (await Promise.all(layers)).filter((layer) => layer !== undefined);
  if (failure !== undefined) throw failure.error;
  const owned = undo.move();
  return { layers: staged, [Symbol.dispose]: () => owned.dispose() };
}

/** The lock of a layer that is not in the store; undefined when it is, perhaps since we waited. */
async function claim({ store }: LayerWork, chainId: ChainId, signal: AbortSignal): Promise<Disposable | undefined> {
  if (layerByChainId(store.database, chainId) !== undefined) return undefined;
  const guard = await lockLayer(store.layout, chainId, signal);
  if (layerByChainId(store.database, chainId) === undefined) return guard;
  guard[Symbol.dispose]();
  return undefined;
}

async function stage(work: LayerWork, layer: PlacedLayer, lowest: boolean, signal: AbortSignal): Promise<StagedLayer> {
  const { store, open, put } = work;
  const { digest, size } = layer.descriptor;
  if (work.resumable && size >= leastPartial) {
    const staged = await stageResumed(work, layer, lowest, signal);
    put({ type: 'layer-done', digest });
    return staged;
  }
  const what = `layer "${digest}"`;
  const source = counted(open(layer.descriptor, signal, 0), (current) =>
    put({ type: 'layer-progress', digest, current, total: size }),
  );
  const staged = await stageLayer(store, source, { what, blob: { digest, size }, diffId: layer.diffId, lowest });
  put({ type: 'layer-done', digest });
  return staged;
}

/** With what an earlier attempt has left; if that turns out to be wrong, once more from the beginning. */
async function stageResumed(
  { store, open, put }: LayerWork,
  { descriptor, diffId }: PlacedLayer,
  lowest: boolean,
  signal: AbortSignal,
): Promise<StagedLayer> {
  const { digest, size } = descriptor;
  const what = `layer "${digest}"`;
  for (;;) {
    using partial = await openPartial(store.layout, { digest, size }, signal);
    const { offset, writer } = partial;
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield* partial.known();
      if (offset < size) yield* open(descriptor, signal, offset);
    };
    const bytes = counted(source(), (current) => put({ type: 'layer-progress', digest, current, total: size }));
    try {
      return await stageLayer(store, bytes, { what, blob: { digest, size }, writer, diffId, lowest });
    } catch (error) {
      const code = error instanceof OnggiError ? error.code : 'internal';
      if (!worthKeeping.has(code)) partial.discard();
      if (code !== 'corrupt' || offset === 0) throw error;
    }
  }
}

/** After these the bytes are as good as before. */
const worthKeeping: ReadonlySet<Code> = new Set(['unavailable', 'unauthorized', 'denied', 'not-found', 'cancelled']);

async function* counted(
  source: AsyncIterable<Uint8Array>,
  progress: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    progress(bytes);
    yield chunk;
  }
}

/** The image's side of a container: what its config asks for, read from the store. */
import { parseImageConfig, type Untrusted } from '../../image/config.ts';
import type { Digest } from '../../oci/digest.ts';
import { type ImageConfig, maxManifestSize } from '../../oci/image-spec.ts';
import { readBlob } from '../../store/blob.ts';
import type { Store } from '../../store/store.ts';

/** @throws OnggiError `corrupt`, `not-found` */
export function readImageConfig(store: Store, id: Digest): Untrusted<ImageConfig> {
  return parseImageConfig(readBlob(store.layout, id, maxManifestSize), `image config "${id}"`);
}

/** The stop signal that the image asks for; undefined when it doesn't. */
export function imageStopSignal(store: Store, id: Digest | null): string | undefined {
  const signal = id === null ? null : readImageConfig(store, id).value.process.stopSignal;
  return signal === null || signal === '' ? undefined : signal;
}

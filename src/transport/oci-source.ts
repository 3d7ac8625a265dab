/** Images out of an OCI layout, a directory or an archive. */
import { OnggiError } from '../errors.ts';
import { type Descriptor, maxManifestSize } from '../oci/image-spec.ts';
import type { Files } from './files.ts';
import {
  blobName,
  checkLayoutFile,
  chooseEntry,
  indexFile,
  type LayoutEntry,
  layoutFile,
  parseIndexFile,
} from './oci-layout.ts';
import type { ImageSource, ManifestBytes } from './types.ts';
import { verifyBytes } from './verify.ts';

/** @throws OnggiError `not-found` when there is no layout, `corrupt`, `unsupported` */
export async function layoutEntries(files: Files): Promise<readonly LayoutEntry[]> {
  if (files.size(indexFile) === undefined) {
    throw new OnggiError('not-found', `${files.what}: no OCI layout: it has no ${indexFile}`);
  }
  if (files.size(layoutFile) !== undefined) checkLayoutFile(await files.read(layoutFile, 4096), files.what);
  return parseIndexFile(await files.read(indexFile, maxManifestSize), files.what);
}

/** @param files stay the caller's. @throws as `layoutEntries`; `invalid` when several images could be meant */
export async function layoutImage(files: Files, reference: string | null, name: string): Promise<ImageSource> {
  return layoutSource(files, chooseEntry(await layoutEntries(files), reference, files.what), name);
}

/** @param files stay the caller's */
export function layoutSource(files: Files, entry: Descriptor, name: string): ImageSource {
  return {
    name,
    manifest: async (descriptor = entry) => await readManifest(files, descriptor),
    blob: (descriptor, signal, fleeting) => layoutBlob(files, descriptor, signal, fleeting),
    // What the index holds besides, nobody could tell apart from other images.
    referrers: async () => [],
    async [Symbol.asyncDispose]() {},
  };
}

async function readManifest(files: Files, descriptor: Descriptor): Promise<ManifestBytes> {
  const what = `manifest "${descriptor.digest}" of ${files.what}`;
  const bytes = await files.read(blobName(descriptor.digest), maxManifestSize);
  const { digest, mediaType } = descriptor;
  return { bytes: verifyBytes(bytes, descriptor, what), digest, mediaType };
}

/** @throws OnggiError `not-found`, `corrupt` (another size) */
export async function* layoutBlob(
  files: Files,
  { digest, size }: Descriptor,
  signal: AbortSignal | undefined,
  fleeting = false,
): AsyncGenerator<Uint8Array> {
  const path = blobName(digest);
  const found = files.size(path);
  if (found !== undefined && found !== size) {
    throw new OnggiError('corrupt', `blob "${digest}" of ${files.what}: ${size} bytes were announced, it has ${found}`);
  }
  yield* files.stream(path, signal, fleeting);
}

/** From a reference to the one manifest of a platform: image-index.md, "Image Index Property Descriptions". */
import { OnggiError } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import type { ImageIndex, ImageManifest, IndexEntry } from '../oci/image-spec.ts';
import type { Platform } from '../oci/platform.ts';
import { canonicalName, type Reference } from '../oci/reference.ts';
import { chooseEntry } from './choose-entry.ts';
import { parseManifest } from './manifest.ts';
import { fetchManifest, type Received } from './manifest-fetch.ts';
import type { Repository } from './repository.ts';

export type ResolvedImage = {
  /** Of the index or manifest that the reference stands for. */
  readonly digest: Digest;
  readonly manifest: Received<ImageManifest>;
  /** What the manifest was chosen out of, outermost first; empty when the reference stands for a manifest. */
  readonly indexes: readonly Received<ImageIndex>[];
};

export type ResolveOptions = {
  readonly platform: Platform;
  /** Bytes of a manifest that is here already, verified; undefined: ask the registry. */
  readonly known?: (digest: Digest) => Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** An index of indexes is allowed, more nesting only serves to amplify (THREATS, class G). */
const maxDepth = 2;

/** @throws what `fetchManifest` throws; `not-found` when there is no image for the platform */
export async function resolveImage(
  repository: Repository,
  reference: Reference,
  options: ResolveOptions,
): Promise<ResolvedImage> {
  const { signal } = options;
  const what = `image "${canonicalName(reference)}"`;
  let current = await fetchManifest(repository, {
    reference: reference.digest ?? reference.tag ?? 'latest',
    what,
    signal,
  });
  const { digest } = current;
  const indexes: Received<ImageIndex>[] = [];
  for (let depth = 0; ; depth += 1) {
    const { content } = current;
    if (content.kind === 'manifest') return { digest, manifest: { ...current, content }, indexes };
    if (depth === maxDepth) throw new OnggiError('unsupported', `${what}: over ${maxDepth} indexes in one another`);
    indexes.push({ ...current, content });
    const entry = chooseEntry(content, options.platform, what);
    current = knownManifest(entry, options, what) ?? (await fetchEntry(repository, entry, what, signal));
  }
}

function fetchEntry(
  repository: Repository,
  { digest, mediaType, size }: IndexEntry,
  what: string,
  signal: AbortSignal | undefined,
): Promise<Received> {
  return fetchManifest(repository, { reference: digest, mediaType, size, what, signal });
}

function knownManifest({ digest, mediaType }: IndexEntry, options: ResolveOptions, what: string): Received | undefined {
  const bytes = options.known?.(digest);
  return bytes === undefined ? undefined : { digest, mediaType, bytes, content: parseManifest(bytes, mediaType, what) };
}

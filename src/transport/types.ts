/**
 * Where images come from and go to: a registry, an OCI layout, an archive, a directory, the store. One copy (copy.ts)
 * joins any source with any destination; pull, push, save, load and copy are that one copy with other ends.
 */
import type { LayerEvent } from '../image/stage-layers.ts';
import type { Digest } from '../oci/digest.ts';
import type { Descriptor } from '../oci/image-spec.ts';

/** An index of indexes is allowed, more nesting only serves to amplify (THREATS, class G). */
export const maxDepth = 2;
/** Manifests of one index, however they are nested. */
export const maxManifests = 10_000;

/** A manifest or an index, as the bytes that its digest names. */
export type ManifestBytes = {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly digest: Digest;
};

/** One image, or one index of images. Reads only; the caller disposes of it. */
export type ImageSource = AsyncDisposable & {
  /** As errors call it: "oci:/srv/app:1.0". */
  readonly name: string;
  /**
   * The manifest or index that the name stands for; with a descriptor, one that an index or a list of referrers names.
   * Its bytes are verified against their digest and at most `maxManifestSize`; what they say is not looked at.
   * @throws OnggiError `not-found`, `corrupt`, and what the transport throws
   */
  manifest(descriptor?: Descriptor, signal?: AbortSignal): Promise<ManifestBytes>;
  /**
   * Bytes of a blob, as many as announced, not verified: whoever keeps them computes the digest anyway.
   * @param fleeting a piece may change once the one after the next is asked for
   */
  blob(descriptor: Descriptor, signal?: AbortSignal, fleeting?: boolean): AsyncIterable<Uint8Array>;
  /** Manifests that say something about this one (signatures, attestations); none where the transport keeps none. */
  referrers(digest: Digest, signal?: AbortSignal): Promise<readonly Descriptor[]>;
};

/** What a manifest is to the destination: the one that its name shall stand for, or one that another one names. */
export type ManifestRole = 'named' | 'part';

/** A place that takes one image or index. Nothing in it has its name before `commit`; disposing undoes what can be. */
export type ImageDestination = AsyncDisposable & {
  /** As errors call it: "docker-archive:/srv/app.tar". */
  readonly name: string;
  /** Manifest types that it can hold; a manifest of another type is converted where that changes no layer. */
  readonly mediaTypes: ReadonlySet<string>;
  hasBlob(descriptor: Descriptor, signal?: AbortSignal): Promise<boolean>;
  /** `putBlob` is done with a piece when it asks for the one after the next. */
  readonly takesFleeting?: true;
  /**
   * Takes the bytes and verifies digest and size. Idempotent; several may be on their way at the same time.
   * @param open begins at the first byte each time that it is called
   * @throws OnggiError `corrupt`, what reading throws, and what the transport throws
   */
  putBlob(descriptor: Descriptor, open: () => AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void>;
  /** After all blobs and manifests that it names. Idempotent. */
  putManifest(manifest: ManifestBytes, role: ManifestRole, signal?: AbortSignal): Promise<void>;
  /** Gives it all its name, durably where that means something. */
  commit(signal?: AbortSignal): Promise<void>;
  /**
   * Only where images are unpacked (the store): takes the image of one platform whole, in an order of its own, instead
   * of `hasBlob`, `putBlob` and `putManifest`.
   */
  putImage?(image: WholeImage, signal?: AbortSignal): Promise<void>;
};

export type Beside = { readonly manifests: readonly ManifestBytes[]; readonly blobs: readonly Descriptor[] };

export type WholeImage = {
  readonly manifest: ManifestBytes;
  /** Of the index or manifest that the name stands for. */
  readonly named: Digest;
  /** What is kept with the image and not unpacked: the index that it came in, attestations. */
  readonly beside?: Beside;
  open(descriptor: Descriptor, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  readonly onEvent: (event: LayerEvent) => void;
};

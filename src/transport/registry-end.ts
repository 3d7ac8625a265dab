/** A repository of a registry as source and as destination of images. */
import { OnggiError } from '../errors.ts';
import { mediaTypes } from '../oci/image-spec.ts';
import { canonicalName, type Reference } from '../oci/reference.ts';
import { receiveBlob } from '../registry/blob.ts';
import { hasBlob } from '../registry/blob-presence.ts';
import { fetchManifestBytes } from '../registry/manifest-fetch.ts';
import { putManifest } from '../registry/manifest-push.ts';
import { listReferrers } from '../registry/referrers.ts';
import type { Repository } from '../registry/repository.ts';
import { uploadBlob } from '../registry/upload.ts';
import type { ImageDestination, ImageSource } from './types.ts';
import { verified } from './verify.ts';

export function registrySource(repository: Repository, reference: Reference): ImageSource {
  const name = `docker://${canonicalName(reference)}`;
  const what = `image "${canonicalName(reference)}"`;
  return {
    name,
    async manifest(descriptor, signal) {
      if (descriptor === undefined) {
        const wanted = reference.digest ?? reference.tag ?? 'latest';
        return await fetchManifestBytes(repository, { reference: wanted, what, signal });
      }
      const { digest, mediaType, size } = descriptor;
      return await fetchManifestBytes(repository, { reference: digest, mediaType, size, what, signal });
    },
    blob: ({ digest, size }, signal) => receiveBlob(repository, { digest, size, signal }),
    referrers: async (digest, signal) => await listReferrers(repository, digest, { signal }),
    async [Symbol.asyncDispose]() {},
  };
}

/** @param repository opened with access "push" */
export function registryDestination(repository: Repository, reference: Reference): ImageDestination {
  const name = `docker://${canonicalName(reference)}`;
  const what = `image "${canonicalName(reference)}"`;
  return {
    name,
    mediaTypes: new Set([mediaTypes.index, mediaTypes.dockerList, mediaTypes.manifest, mediaTypes.dockerManifest]),
    hasBlob: async (descriptor, signal) => await hasBlob(repository, descriptor, signal),
    async putBlob(descriptor, open, signal) {
      const { digest, size } = descriptor;
      const label = `blob "${digest}" for ${what}`;
      const from = (offset: number) =>
        offset === 0 ? verified(open(), descriptor, label) : skipped(verified(open(), descriptor, label), offset);
      await uploadBlob(repository, { digest, size, open: from, what: label, signal });
    },
    async putManifest({ bytes, mediaType, digest }, role, signal) {
      if (role === 'named' && reference.digest !== null && reference.digest !== digest) {
        throw new OnggiError('invalid', `${what}: what is copied has digest "${digest}"`, {
          hint: 'Name the destination by a tag.',
        });
      }
      const wanted = role === 'named' ? (reference.tag ?? digest) : digest;
      await putManifest(repository, { reference: wanted, mediaType, bytes, what, signal });
    },
    async commit() {},
    async [Symbol.asyncDispose]() {},
  };
}

/** The bytes from an offset on: an upload that broke goes on where it stopped. */
async function* skipped(bytes: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let left = count;
  for await (const piece of bytes) {
    const rest = piece.subarray(Math.min(left, piece.length));
    left -= piece.length - rest.length;
    if (rest.length > 0) yield rest;
  }
}

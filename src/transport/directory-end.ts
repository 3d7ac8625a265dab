/**
 * `dir:`, the plain directory of containers/image (containers-transports(5)): manifest.json, the manifests of an index
 * as HEX.manifest.json, blobs by the hexadecimal digits of their digest. Signatures there are files "signature-N",
 * which say something about a name and are not copied.
 */
import { digestHex, sha256 } from '../oci/digest.ts';
import { maxManifestSize, mediaTypes } from '../oci/image-spec.ts';
import type { Files } from './files.ts';
import { mediaTypeOf } from './media-type.ts';
import { once, type Sink } from './sink.ts';
import type { ImageDestination, ImageSource } from './types.ts';
import { verified, verifyBytes } from './verify.ts';

const named = 'manifest.json';
const version = 'Directory Transport Version: 1.1\n';

/** @param files stay the caller's */
export function directorySource(files: Files, name: string): ImageSource {
  return {
    name,
    async manifest(descriptor) {
      if (descriptor === undefined) {
        const bytes = await files.read(named, maxManifestSize);
        return { bytes, digest: sha256(bytes), mediaType: mediaTypeOf(bytes, `${named} of ${files.what}`) };
      }
      const { digest, mediaType } = descriptor;
      const bytes = await files.read(`${digestHex(digest)}.manifest.json`, maxManifestSize);
      return { bytes: verifyBytes(bytes, descriptor, `manifest "${digest}" of ${files.what}`), digest, mediaType };
    },
    blob: ({ digest }, signal) => files.stream(digestHex(digest), signal),
    referrers: async () => [],
    async [Symbol.asyncDispose]() {},
  };
}

/** @param sink is disposed of with it */
export function directoryDestination(sink: Sink, name: string): ImageDestination {
  return {
    name,
    mediaTypes: new Set([mediaTypes.index, mediaTypes.dockerList, mediaTypes.manifest, mediaTypes.dockerManifest]),
    hasBlob: async ({ digest, size }) => sink.has(digestHex(digest), size),
    async putBlob(descriptor, open) {
      const { digest, size } = descriptor;
      await sink.put(digestHex(digest), size, verified(open(), descriptor, `blob "${digest}" for ${sink.what}`));
    },
    async putManifest({ bytes, digest }, role) {
      const path = role === 'named' ? named : `${digestHex(digest)}.manifest.json`;
      await sink.put(path, bytes.length, once(bytes));
    },
    async commit() {
      const bytes = Buffer.from(version);
      await sink.put('version', bytes.length, once(bytes));
      await sink.finish();
    },
    [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
  };
}

/**
 * `dir:`, the plain directory of containers/image (containers-transports(5)): manifest.json, the manifests of an index
 * as HEX.manifest.json, blobs by the hexadecimal digits of their digest. Signatures there are files "signature-N",
 * which say something about a name and are not copied.
 */
import { type Digest, digestHex, sha256 } from '../oci/digest.ts';
import { isIndexType, maxManifestSize, mediaTypes } from '../oci/image-spec.ts';
import type { Files } from './files.ts';
import { versionFile } from './image-directory.ts';
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
    blob: ({ digest }, signal, fleeting) => files.stream(digestHex(digest), signal, fleeting),
    referrers: async () => [],
    async [Symbol.asyncDispose]() {},
  };
}

/**
 * @param sink is disposed of with it
 * @param tidy told at the end which files belong to the image; whatever a former one has left goes
 */
export function directoryDestination(
  sink: Sink,
  name: string,
  tidy: (keep: ReadonlySet<string>) => void,
): ImageDestination {
  const keep = new Set<string>([named, versionFile]);
  const blobName = (digest: Digest): string => {
    const path = digestHex(digest);
    keep.add(path);
    return path;
  };
  return {
    name,
    mediaTypes: new Set([mediaTypes.index, mediaTypes.dockerList, mediaTypes.manifest, mediaTypes.dockerManifest]),
    hasBlob: async ({ digest, size }) => sink.has(blobName(digest), size),
    takesFleeting: true,
    async putBlob(descriptor, open) {
      const { digest, size } = descriptor;
      await sink.put(blobName(digest), size, verified(open(), descriptor, `blob "${digest}" for ${sink.what}`));
    },
    async putManifest({ bytes, digest, mediaType }, role) {
      // An index alone is about images that were there before.
      if (isIndexType(mediaType) && keep.size === 2) tidy = () => {};
      const path = role === 'named' ? named : `${digestHex(digest)}.manifest.json`;
      keep.add(path);
      await sink.put(path, bytes.length, once(bytes));
    },
    async commit() {
      const bytes = Buffer.from(version);
      await sink.put(versionFile, bytes.length, once(bytes));
      await sink.finish();
      tidy(keep);
    },
    [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
  };
}

/**
 * Where sigstore's signatures lie: in a manifest beside the image, one layer for each, whose bytes are what was signed
 * and whose annotation is the signature. Under the tag "sha256-HEX.sig", and as a referrer of the image. Cosign's
 * SIGNATURE_SPEC; containers/image reads and writes the tag. Pure.
 */
import { OnggiError } from '../errors.ts';
import { type Digest, digestAlgorithm, digestHex, parseDigest, sha256 } from '../oci/digest.ts';
import { type Descriptor, mediaTypes } from '../oci/image-spec.ts';
import { type Check, integer, list, object, record, text } from '../oci/schema.ts';

export const signatureLayerType = 'application/vnd.dev.cosign.simplesigning.v1+json';
export const signatureArtifactType = 'application/vnd.dev.cosign.artifact.sig.v1+json';
const annotation = 'dev.cosignproject.cosign/signature';

/** One of an image; the bytes of its payload are a blob. */
export type Attached = { readonly payload: Descriptor; readonly signature: Buffer };

/** Signatures that are looked at; an image with more has an attacker, not signers. */
const mostSignatures = 200;

export function signatureTag(digest: Digest): string {
  return `${digestAlgorithm(digest)}-${digestHex(digest)}.sig`;
}

type Layer = Descriptor & { readonly annotations?: Readonly<Record<string, string>> };

const digest: Check<Digest> = (value, path) => parseDigest(text(200)(value, path));
const layer = object<Layer>(
  { mediaType: text(255), digest, size: integer(0, Number.MAX_SAFE_INTEGER) },
  { annotations: record(text(1024), text(1 << 20), 100) },
);
const document = object<{ readonly layers: readonly Layer[] }>({ layers: list(layer, 10_000) }, {});

/** Layers of other types, and those without a signature, are not ours. @throws OnggiError `corrupt` */
export function parseAttachment(bytes: Uint8Array, what: string): Attached[] {
  let layers: readonly Layer[];
  try {
    ({ layers } = document(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)), ''));
  } catch (cause) {
    throw new OnggiError('corrupt', `${what}: not a manifest of signatures`, { cause });
  }
  return layers
    .filter(({ mediaType }) => mediaType === signatureLayerType)
    .flatMap(({ mediaType, digest, size, annotations }) => {
      const signature = annotations?.[annotation];
      if (signature === undefined) return [];
      return [{ payload: { mediaType, digest, size }, signature: Buffer.from(signature, 'base64') }];
    })
    .slice(0, mostSignatures);
}

export type Attachment = { readonly manifest: Buffer; readonly config: Buffer };

/**
 * A manifest of signatures for the tag, or for one subject as a referrer.
 * @param subject null: under the tag
 */
export function formatAttachment(signatures: readonly Attached[], subject: Descriptor | null): Attachment {
  const layers = signatures.map(({ payload, signature }) => ({
    ...payload,
    annotations: { [annotation]: signature.toString('base64') },
  }));
  const config = Buffer.from(
    JSON.stringify({
      architecture: '',
      os: '',
      config: {},
      rootfs: { type: 'layers', diff_ids: layers.map((each) => each.digest) },
    }),
  );
  // Podman takes an image's config only; a referrer is told by the type of its config.
  const mediaType = subject === null ? mediaTypes.config : signatureArtifactType;
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType, digest: sha256(config), size: config.length },
    layers,
    ...(subject !== null && { subject }),
  };
  return { manifest: Buffer.from(JSON.stringify(manifest)), config };
}

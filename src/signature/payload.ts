/**
 * What is signed: "simple signing", the format of containers/image and cosign (containers-signature(5), cosign's
 * SIGNATURE_SPEC). It says which manifest is meant and by which name. Pure.
 */
import { OnggiError } from '../errors.ts';
import { type Digest, parseDigest } from '../oci/digest.ts';
import { type Check, object, record, text } from '../oci/schema.ts';

export type Payload = {
  readonly digest: Digest;
  /** The name that the signer gave: "docker.io/library/alpine:latest", or without a tag as cosign does. */
  readonly identity: string;
};

/** The word of each format; one kind of signature is not taken for the other. */
export const payloadTypes = {
  sigstore: 'cosign container image signature',
  gpg: 'atomic container signature',
} as const;
export type PayloadKind = keyof typeof payloadTypes;

/** Bytes; a name, a digest and some annotations have no need of more. */
export const maxPayload = 64 << 10;

/** Names of fields in their order in the alphabet, as Go's programs write maps. */
export function formatPayload({ digest, identity }: Payload, now: number, kind: PayloadKind = 'sigstore'): Buffer {
  const critical = {
    identity: { 'docker-reference': identity },
    image: { 'docker-manifest-digest': digest },
    type: payloadTypes[kind],
  };
  const optional = { creator: 'onggi', timestamp: Math.floor(now / 1000) };
  return Buffer.from(JSON.stringify({ critical, optional }));
}

type Critical = {
  readonly type: string;
  readonly identity: { readonly 'docker-reference': string };
  readonly image: { readonly 'docker-manifest-digest': string };
};

const critical = object<Critical>(
  {
    type: text(100),
    identity: object({ 'docker-reference': text(1024) }, {}),
    image: object({ 'docker-manifest-digest': text(200) }, {}),
  },
  {},
);
const anything: Check<unknown> = (value) => value;
const document = record(text(100), anything, 10);

/**
 * Call it only after the signature over these very bytes was found good. A field of "critical" that is not known means
 * something that must not be passed over, so it is refused.
 * @throws OnggiError `corrupt`
 */
export function parsePayload(bytes: Uint8Array, kind: PayloadKind): Payload {
  try {
    if (bytes.length > maxPayload) throw new OnggiError('invalid', `over ${maxPayload} bytes`);
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    const found = document(value, '');
    const unknown = Object.keys(found).find((name) => name !== 'critical' && name !== 'optional');
    if (unknown !== undefined) throw new OnggiError('invalid', `unknown field "${unknown}"`);
    onlyFields(found['critical'], ['type', 'identity', 'image']);
    const { type, identity, image } = critical(found['critical'], 'critical');
    onlyFields(Reflect.get(found['critical'] as object, 'identity'), ['docker-reference']);
    onlyFields(Reflect.get(found['critical'] as object, 'image'), ['docker-manifest-digest']);
    if (type !== payloadTypes[kind]) throw new OnggiError('invalid', `type "${type}", not "${payloadTypes[kind]}"`);
    return { digest: parseDigest(image['docker-manifest-digest']), identity: identity['docker-reference'] };
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new OnggiError('corrupt', `what was signed can't be read: ${found}`, { cause });
  }
}

function onlyFields(value: unknown, names: readonly string[]): void {
  if (typeof value !== 'object' || value === null) return;
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new OnggiError('invalid', `unknown critical field "${unknown}"`);
}

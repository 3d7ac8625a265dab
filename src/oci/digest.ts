/** Digests of the OCI image specification (descriptor.md, "Digests"). Pure. */
import { OnggiError } from '../errors.ts';

declare const brand: unique symbol;
/** `sha256:<64 hex>` or `sha512:<128 hex>` of the bytes of a blob, as they lie in the store or a registry. */
export type Digest = string & { readonly [brand]: 'digest' };
/** Digest of the uncompressed tar of a layer. */
export type DiffId = Digest & { readonly [brand]: 'digest' };
/** Digest that names a layer on top of all those below it (config.md, "Layer ChainID"). */
export type ChainId = Digest & { readonly [brand]: 'digest' };

const grammar = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

/** @throws OnggiError `invalid` when `text` is not a digest of a known algorithm in canonical lower case. */
export function parseDigest(text: string): Digest {
  if (!grammar.test(text)) {
    throw new OnggiError('invalid', `digest "${text.slice(0, 160)}": not sha256:<64 hex> or sha512:<128 hex>`);
  }
  return text as Digest;
}

export function isDigest(text: string): text is Digest {
  return grammar.test(text);
}

export function digestHex(digest: Digest): string {
  return digest.slice(7);
}

export function digestAlgorithm(digest: Digest): 'sha256' | 'sha512' {
  return digest.startsWith('sha256:') ? 'sha256' : 'sha512';
}

export type Hasher = {
  update(bytes: Uint8Array | string): Hasher;
  /** Once, at the end. */
  digest(encoding: 'hex'): string;
};

export function hasherFor(digest: Digest): Hasher {
  return hasher(digestAlgorithm(digest));
}

type BunHashing = { readonly CryptoHasher: new (algorithm: string) => Hasher };

/**
 * Bun's own where there is one: node:crypto, loaded when it is used, takes two milliseconds there, a twentieth of what
 * starting a container takes.
 */
export function hasher(algorithm: 'sha256' | 'sha512'): Hasher {
  const { Bun } = globalThis as { readonly Bun?: BunHashing };
  return Bun === undefined
    ? process.getBuiltinModule('node:crypto').createHash(algorithm)
    : new Bun.CryptoHasher(algorithm);
}

export function sha256(bytes: Uint8Array | string): Digest {
  return `sha256:${hasher('sha256').update(bytes).digest('hex')}` as Digest;
}

/** Chain IDs of all layers, lowest first: `chain(0) = diff(0)`, `chain(n) = sha256(chain(n-1) + " " + diff(n))`. */
export function chainIds(diffIds: readonly DiffId[]): ChainId[] {
  const chain: ChainId[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push((below === undefined ? diffId : sha256(`${below} ${diffId}`)) as Digest as ChainId);
  }
  return chain;
}

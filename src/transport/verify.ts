/** Bytes held against what their descriptor announces. Pure. */
import { OnggiError } from '../errors.ts';
import { type Digest, digestAlgorithm, hasherFor } from '../oci/digest.ts';
import type { Descriptor } from '../oci/image-spec.ts';

type Announced = Pick<Descriptor, 'digest' | 'size'>;

/** The same bytes; fails at their end when they are not those that were announced. @throws OnggiError `corrupt` */
export async function* verified(
  bytes: AsyncIterable<Uint8Array>,
  { digest, size }: Announced,
  what: string,
): AsyncGenerator<Uint8Array> {
  const hash = hasherFor(digest);
  let count = 0;
  for await (const piece of bytes) {
    count += piece.length;
    if (count > size) throw wrongSize(what, size, `over ${size}`);
    hash.update(piece);
    yield piece;
  }
  if (count !== size) throw wrongSize(what, size, String(count));
  const found = `${digestAlgorithm(digest)}:${hash.digest('hex')}`;
  if (found !== digest) throw wrongDigest(what, digest, found);
}

/** @throws OnggiError `corrupt` */
export function verifyBytes<B extends Uint8Array>(bytes: B, { digest, size }: Announced, what: string): B {
  if (bytes.length !== size) throw wrongSize(what, size, String(bytes.length));
  const found = digestLike(digest, bytes);
  if (found !== digest) throw wrongDigest(what, digest, found);
  return bytes;
}

/** Digest of the bytes by the algorithm of another one. */
export function digestLike(digest: Digest, bytes: Uint8Array): Digest {
  return `${digestAlgorithm(digest)}:${hasherFor(digest).update(bytes).digest('hex')}` as Digest;
}

function wrongSize(what: string, size: number, found: string): OnggiError {
  return new OnggiError('corrupt', `${what}: ${size} bytes were announced, it has ${found}`);
}

function wrongDigest(what: string, digest: Digest, found: string): OnggiError {
  return new OnggiError('corrupt', `${what}: "${digest}" was announced, its bytes have digest "${found}"`);
}

/**
 * Keys: PEM of SPKI and PKCS #8, and cosign's encrypted private keys. ECDSA on P-256, P-384 and P-521, Ed25519 and RSA
 * from 2048 bits on, with SHA-256, as sigstore signs. Pure.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';
import { OnggiError } from '../errors.ts';
import { decryptKey, encryptKey, isEncryptedKey } from './encrypted-key.ts';

/** A key of a kind that we sign and verify with. */
export type SigningKey = { readonly private: KeyObject };
export type VerifyingKey = { readonly public: KeyObject };

const leastRsaBits = 2048;

/** @param place what errors call it: a path @throws OnggiError `invalid`; never with what stands in the key */
export function readPublicKey(pem: string | Buffer, place: string): VerifyingKey {
  const words = pem.toString();
  // createPublicKey would derive it from a private key: whoever hands one out here has mixed up two files.
  if (/PRIVATE KEY/.test(words))
    throw new OnggiError('invalid', `key "${place}": a private key, the public one is wanted`);
  const key = parsed(place, () => createPublicKey(words));
  return { public: checked(key, place) };
}

/**
 * @param passphrase for an encrypted one
 * @throws OnggiError `invalid` (no key of a kind that we know), `denied` (wrong passphrase, none given)
 */
export function readPrivateKey(pem: string | Buffer, place: string, passphrase: string | null): SigningKey {
  const words = pem.toString();
  if (isEncryptedKey(words)) {
    const der = decryptKey(words, place, passphrase);
    return {
      private: checked(
        parsed(place, () => createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })),
        place,
      ),
    };
  }
  if (/ENCRYPTED/.test(words) && passphrase === null)
    throw new OnggiError('denied', `key "${place}": a passphrase is wanted`);
  const options = { key: words, ...(passphrase !== null && { passphrase }) };
  return {
    private: checked(
      parsed(place, () => createPrivateKey(options)),
      place,
    ),
  };
}

function parsed(place: string, read: () => KeyObject): KeyObject {
  try {
    return read();
  } catch (cause) {
    throw new OnggiError('invalid', `key "${place}": not a key in PEM that can be read`, { cause });
  }
}

function checked(key: KeyObject, place: string): KeyObject {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'ed25519') return key;
  if (
    type === 'ec' &&
    ['prime256v1', 'secp384r1', 'secp521r1', 'P-256', 'P-384', 'P-521'].includes(details?.namedCurve ?? '')
  )
    return key;
  if (type === 'rsa' && (details?.modulusLength ?? 0) >= leastRsaBits) return key;
  throw new OnggiError('invalid', `key "${place}": of a kind ("${type}") that is not used to sign images`, {
    hint: 'Make one with: onggi image key generate',
  });
}

/** Ed25519 signs the bytes themselves, the others their SHA-256. */
function hashOf(key: KeyObject): string | null {
  return key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
}

/** ECDSA in DER, RSA by PKCS #1 v1.5: what cosign and containers/image write. */
export function sign({ private: key }: SigningKey, bytes: Uint8Array): Buffer {
  return signBytes(hashOf(key), bytes, key);
}

/** False for whatever is not this key's signature over these bytes, garbage included. */
export function verify({ public: key }: VerifyingKey, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verifyBytes(hashOf(key), bytes, key, signature);
  } catch {
    return false;
  }
}

export type KeyPair = { readonly privatePem: string; readonly publicPem: string };

/** ECDSA on P-256, as cosign makes them. @param passphrase null: the private key is not encrypted */
export function generateKeyPair(passphrase: string | null): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const privatePem =
    passphrase === null
      ? privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
      : encryptKey(privateKey.export({ type: 'pkcs8', format: 'der' }), passphrase);
  return { privatePem, publicPem };
}

/**
 * Cosign's encrypted private keys: JSON in PEM, the key by scrypt out of a passphrase, the PKCS #8 bytes in NaCl's
 * secretbox (the format of go-tuf's and secure-systems-lab's "encrypted" package). Pure.
 */
import { randomBytes, scryptSync } from 'node:crypto';
import { secretbox } from '@noble/ciphers/salsa.js';
import { OnggiError } from '../errors.ts';
import { type Check, integer, object, text } from '../oci/schema.ts';

/** Newer programs write the second; all of them read the first. */
const labels = ['ENCRYPTED COSIGN PRIVATE KEY', 'ENCRYPTED SIGSTORE PRIVATE KEY'] as const;
const [writtenLabel] = labels;

/** What older readers take; 0.1 s here for each guess. */
const cost = { N: 32_768, r: 8, p: 1 } as const;

type Envelope = {
  readonly kdf: {
    readonly name: string;
    readonly params: { readonly N: number; readonly r: number; readonly p: number };
    readonly salt: string;
  };
  readonly cipher: { readonly name: string; readonly nonce: string };
  readonly ciphertext: string;
};

const word = text(100);
const envelope: Check<Envelope> = object<Envelope>(
  {
    kdf: object(
      // Not more than newer cosign writes, twice over: a key file must not take all memory.
      { name: word, params: object({ N: integer(2, 131_072), r: integer(1, 8), p: integer(1, 1) }, {}), salt: word },
      {},
    ),
    cipher: object({ name: word, nonce: word }, {}),
    ciphertext: text(32_768),
  },
  {},
);

export function isEncryptedKey(pem: string): boolean {
  return labels.some((label) => pem.includes(`-----BEGIN ${label}-----`));
}

/** @returns PKCS #8 in DER @throws OnggiError `invalid`, `denied` (wrong passphrase, none given) */
export function decryptKey(pem: string, place: string, passphrase: string | null): Buffer {
  if (passphrase === null) throw new OnggiError('denied', `key "${place}": a passphrase is wanted`);
  const { kdf, cipher, ciphertext } = readEnvelope(pem, place);
  if (kdf.name !== 'scrypt' || cipher.name !== 'nacl/secretbox') {
    throw new OnggiError('invalid', `key "${place}": encrypted by "${kdf.name}" and "${cipher.name}"`);
  }
  try {
    const secret = derive(passphrase, Buffer.from(kdf.salt, 'base64'), kdf.params);
    const box = secretbox(secret, Buffer.from(cipher.nonce, 'base64'));
    return Buffer.from(box.open(Buffer.from(ciphertext, 'base64')));
  } catch (cause) {
    throw new OnggiError('denied', `key "${place}": wrong passphrase, or the key was damaged`, { cause });
  }
}

function readEnvelope(pem: string, place: string): Envelope {
  try {
    const body = /-----BEGIN [A-Z ]+-----([A-Za-z0-9+/=\s]{1,65536})-----END [A-Z ]+-----/.exec(pem)?.[1] ?? '';
    return envelope(JSON.parse(Buffer.from(body, 'base64').toString()), '');
  } catch (cause) {
    throw new OnggiError('invalid', `key "${place}": not an encrypted key that can be read`, { cause });
  }
}

export function encryptKey(der: Uint8Array, passphrase: string): string {
  const salt = randomBytes(32);
  const nonce = randomBytes(24);
  const box = secretbox(derive(passphrase, salt, cost), nonce);
  const value: Envelope = {
    kdf: { name: 'scrypt', params: cost, salt: salt.toString('base64') },
    cipher: { name: 'nacl/secretbox', nonce: nonce.toString('base64') },
    ciphertext: Buffer.from(box.seal(der)).toString('base64'),
  };
  const lines = Buffer.from(JSON.stringify(value)).toString('base64').replaceAll(/.{64}/g, '$&\n');
  return `-----BEGIN ${writtenLabel}-----\n${lines.trimEnd()}\n-----END ${writtenLabel}-----\n`;
}

function derive(passphrase: string, salt: Uint8Array, params: Envelope['kdf']['params']): Buffer {
  return scryptSync(passphrase, salt, 32, { ...params, maxmem: 256 << 20 });
}

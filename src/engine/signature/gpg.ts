/**
 * "Simple signing" by GPG: files beside the registry, each a signed message whose text says which manifest and name are
 * meant (containers-signature(5)). The check itself is gpgv's, with a keyring of the policy's keys alone.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OnggiError } from '../../errors.ts';
import { maxPayload } from '../../signature/payload.ts';
import type { Keys, Requirement } from '../../signature/policy.ts';
import { lookaside, readSignatures } from './lookaside.ts';
import { denied, type PolicyWork, readKey, whyNot } from './policy.ts';

const gpgvTime = 10_000;

/** @throws OnggiError `denied`; `unsupported` when gpgv is not installed */
export async function requireGpgSignature(
  work: PolicyWork,
  { keys, identity }: Extract<Requirement, { readonly keys: Keys }>,
  what: string,
): Promise<void> {
  const found: Buffer[] = [];
  for (const digest of new Set(work.digests)) found.push(...(await readSignatures(work, work.reference, digest)));
  if (found.length === 0) {
    const place = lookaside(work, work.reference, 'read').href.replace(/^file:\/\//, '');
    throw denied(`${what}: a GPG signature is required, and "${place}" has none of it`);
  }
  const reasons = found.map((message) => {
    const checked = checkedMessage(message, keys, 'policy "signedBy"');
    return checked === undefined ? 'made with another key, or damaged' : whyNot(checked.text, 'gpg', identity, work);
  });
  if (reasons.includes(undefined)) return;
  throw denied(
    `${what}: none of its ${reasons.length} GPG signatures is accepted: ${[...new Set(reasons)].join('; ')}`,
  );
}

export type CheckedMessage = {
  readonly text: Buffer;
  /** Of the key that signed, and of the one that it belongs to. */
  readonly fingerprints: readonly string[];
};

/**
 * A message that one of the keys has signed; undefined when none has.
 * @param asks who wants to know, for the error. @throws OnggiError `unsupported` when gpgv is not installed
 */
export function checkedMessage(message: Uint8Array, { paths, data }: Keys, asks: string): CheckedMessage | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'onggi-gpg-'));
  try {
    const keyring = join(directory, 'keyring');
    const signed = join(directory, 'message');
    const output = join(directory, 'text');
    writeFileSync(keyring, Buffer.concat([...paths.map(readKey), ...data].map(unarmoured)));
    writeFileSync(signed, message);
    const args = ['--homedir', directory, '--keyring', keyring, '--status-fd', '1', '--output', output, signed];
    const { error, status, stdout } = spawnSync('gpgv', args, { timeout: gpgvTime, maxBuffer: maxPayload });
    if (error !== undefined && Reflect.get(error, 'code') === 'ENOENT') {
      throw new OnggiError('unsupported', `${asks}: gpgv is not installed`, { hint: 'Install gpgv.' });
    }
    // One message may hold several signatures, of which gpgv could pass over one: exactly one is wanted.
    const lines = stdout?.toString().split('\n') ?? [];
    const count = (word: string): number => lines.filter((line) => line.startsWith(`[GNUPG:] ${word} `)).length;
    const good = status === 0 && count('VALIDSIG') === 1 && count('NEWSIG') <= 1 && count('PLAINTEXT') === 1;
    if (!good) return undefined;
    const valid = lines.find((line) => line.startsWith('[GNUPG:] VALIDSIG '))?.split(' ') ?? [];
    return { text: readFileSync(output), fingerprints: [valid[2] ?? '', valid.at(-1) ?? ''] };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** gpgv takes binary keys only (RFC 9580, section 6.2 has the other form). */
function unarmoured(key: Buffer): Buffer {
  const text = key.toString('latin1');
  const body =
    /-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(?:[^\r\n]+\r?\n)*\r?\n([A-Za-z0-9+/=\s]+?)(?:\n=[A-Za-z0-9+/]{4})?\s*-----END/.exec(
      text,
    )?.[1];
  return body === undefined ? key : Buffer.from(body, 'base64');
}

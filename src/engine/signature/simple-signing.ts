/**
 * Single signatures by GPG in files, as `skopeo standalone-sign` and `standalone-verify` have them (containers-signature(5)):
 * made with a key of the user's keyring, checked with it or with a file of public keys.
 */
import { spawn } from 'node:child_process';
import { OnggiError } from '../../errors.ts';
import { type Digest, sha256 } from '../../oci/digest.ts';
import { formatPayload, maxPayload, parsePayload } from '../../signature/payload.ts';
import { checkedMessage } from './gpg.ts';
import { readKey } from './policy.ts';

export type ManifestSigning = {
  /** The name that is signed, "registry.example/app:1". */
  readonly identity: string;
  /** Of a private key in the user's keyring. */
  readonly fingerprint: string;
  readonly passphrase?: string;
};

/** @returns the signed message. @throws OnggiError `denied` (gpg did not sign), `unsupported` (no gpg) */
export async function signManifest(manifest: Uint8Array, signing: ManifestSigning): Promise<Buffer> {
  return await signDigest(sha256(manifest), signing);
}

/** The same of a manifest that need not be here. */
export async function signDigest(
  digest: Digest,
  { identity, fingerprint, passphrase }: ManifestSigning,
): Promise<Buffer> {
  const payload = formatPayload({ digest, identity }, Date.now(), 'gpg');
  const secret = passphrase === undefined ? [] : ['--pinentry-mode', 'loopback', '--passphrase-fd', '3'];
  const args = ['--batch', '--no-tty', ...secret, '--local-user', fingerprint, '--sign', '--output', '-'];
  return await gpg(args, payload, passphrase ?? '', `sign with key "${fingerprint}"`);
}

export type ManifestCheck = {
  readonly identity: string;
  /** Of keys that are believed; "any": all of `publicKeys`. */
  readonly fingerprints: readonly string[];
  /** Path of a file with public keys; absent: the user's keyring. */
  readonly publicKeys?: string;
};

/** @throws OnggiError `denied` when it is not signed so, `unsupported` (no gpg), `corrupt` (what was signed) */
export async function verifyManifest(
  manifest: Uint8Array,
  signature: Uint8Array,
  { identity, fingerprints, publicKeys }: ManifestCheck,
): Promise<{ readonly digest: Digest; readonly fingerprint: string }> {
  const any = fingerprints.includes('any');
  if (any && publicKeys === undefined) {
    throw new OnggiError('invalid', 'verify a signature: "any" needs a file of public keys');
  }
  const keys =
    publicKeys === undefined
      ? await gpg(['--batch', '--export', ...fingerprints], new Uint8Array(), '', 'export public keys')
      : readKey(publicKeys);
  const checked = checkedMessage(signature, { paths: [], data: [keys] }, 'verify a signature');
  if (checked === undefined) throw refused('made with another key, or damaged');
  const wanted = fingerprints.map((each) => each.toUpperCase());
  const fingerprint = any ? checked.fingerprints[0] : checked.fingerprints.find((each) => wanted.includes(each));
  if (fingerprint === undefined) throw refused(`made with key ${checked.fingerprints[0]}`);
  const signed = parsePayload(checked.text, 'gpg');
  const digest = sha256(manifest);
  if (signed.digest !== digest) throw refused(`of the manifest "${signed.digest}", this one is "${digest}"`);
  if (signed.identity !== identity) throw refused(`of the name "${signed.identity.slice(0, 200)}", not "${identity}"`);
  return { digest, fingerprint };
}

function refused(found: string): OnggiError {
  return new OnggiError('denied', `verify a signature: it is ${found}`);
}

/** @param secret goes through descriptor 3: never on a command line */
function gpg(args: readonly string[], input: Uint8Array, secret: string, tried: string): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const child = spawn('gpg', args, { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  const complaint: Buffer[] = [];
  let size = 0;
  child.stdout?.on('data', (piece: Buffer) => {
    size += piece.length;
    if (size > 64 * maxPayload) child.kill('SIGKILL');
    else output.push(piece);
  });
  child.stderr?.on('data', (piece: Buffer) => complaint.push(piece));
  child.on('error', (cause) => {
    const missing = new OnggiError('unsupported', `${tried}: gpg is not installed`, { cause, hint: 'Install gpg.' });
    reject(Reflect.get(cause, 'code') === 'ENOENT' ? missing : cause);
  });
  child.on('close', (status) => {
    if (status === 0) return resolve(Buffer.concat(output));
    const said = Buffer.concat(complaint).toString().trim().split('\n').at(-1) ?? '';
    reject(new OnggiError('denied', `${tried}: gpg ended with status ${status}: ${said.slice(0, 300)}`));
  });
  for (const [index, bytes] of [
    [0, input],
    [3, `${secret}\n`],
  ] as const) {
    const pipe = child.stdio[index];
    // gpg may not want it.
    pipe?.on('error', () => {});
    if (pipe !== null && pipe !== undefined && 'end' in pipe) pipe.end(bytes);
  }
  return promise;
}

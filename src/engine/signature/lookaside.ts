/** GPG signatures beside a registry: files, or a web server's (containers-signature-protocols, "docker"). */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errnoOf, fromSystemError, OnggiError } from '../../errors.ts';
import { type Digest, digestHex } from '../../oci/digest.ts';
import { canonicalName, type Reference } from '../../oci/reference.ts';
import { download } from '../../registry/download.ts';
import { readMachine } from '../../registry/open.ts';
import { lookasideOf, parseLookasides, signaturePath } from '../../signature/lookaside.ts';
import { maxPayload } from '../../signature/payload.ts';

export type LookasideWork = {
  readonly environment: NodeJS.ProcessEnv;
  /** Directory of the files of registries.d; absent: that of the machine. */
  readonly registriesDirectory?: string | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** Signatures of one manifest that are looked at. */
const mostSignatures = 50;

/** The address below which they lie: ONGGI_LOOKASIDE, registries.d, else where Podman and Skopeo put them. */
export function lookaside(work: LookasideWork, reference: Reference, use: 'read' | 'write'): URL {
  const { environment } = work;
  const own = environment['ONGGI_LOOKASIDE'];
  if (own) return directoryUrl(own);
  const found = lookasideOf(parseLookasides(registriesFiles(work)), reference, use);
  if (found !== null) return new URL(found.endsWith('/') ? found : `${found}/`);
  if (process.getuid?.() === 0) return directoryUrl('/var/lib/containers/sigstore');
  const data = environment['XDG_DATA_HOME'] || join(environment['HOME'] || '/', '.local/share');
  return directoryUrl(join(data, 'containers/sigstore'));
}

function directoryUrl(path: string): URL {
  const url = new URL('file:///');
  url.pathname = `${path.replaceAll('%', '%25')}/`;
  return url;
}

function registriesFiles({ environment, registriesDirectory }: LookasideWork): (readonly [string, string])[] {
  const own = join(environment['HOME'] || '/', '.config/containers/registries.d');
  const directory = registriesDirectory ?? (existsSync(own) ? own : '/etc/containers/registries.d');
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith('.yaml'))
      .sort()
      .map((name) => join(directory, name))
      .map((path) => [path, readFileSync(path, 'utf8')] as const);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fromSystemError(error, `read "${directory}"`);
  }
}

/** Of one manifest, in order and without a gap. @throws OnggiError as `download`; `corrupt` over the limit of size */
export async function readSignatures(work: LookasideWork, reference: Reference, digest: Digest): Promise<Buffer[]> {
  const base = lookaside(work, reference, 'read');
  const found: Buffer[] = [];
  for (let index = 1; index <= mostSignatures; index += 1) {
    const bytes = await readOne(work, addressIn(base, reference, digest, index));
    if (bytes === undefined) break;
    found.push(bytes);
  }
  return found;
}

/** "=" and "@" stand for themselves, as in the names of the files. */
function addressIn(base: URL, reference: Reference, digest: Digest, index: number): URL {
  return new URL(signaturePath(reference, digest, index), base);
}

async function readOne({ environment, signal }: LookasideWork, address: URL): Promise<Buffer | undefined> {
  try {
    if (address.protocol === 'file:') return readFileSync(fileURLToPath(address));
    const { routes } = await readMachine(environment);
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of download(routes, address.href, signal)) {
      size += piece.length;
      if (size > maxPayload) throw new OnggiError('corrupt', `signature "${address.href}": over ${maxPayload} bytes`);
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || (error instanceof OnggiError && error.code === 'not-found')) return undefined;
    throw fromSystemError(error, `read signature "${address.href}"`);
  }
}

/** Puts one more beside those that are there. @throws OnggiError `unsupported`: the place is no directory; `denied`, ... */
export function addSignature(work: LookasideWork, reference: Reference, digest: Digest, signature: Uint8Array): void {
  const base = lookaside(work, reference, 'write');
  const what = `signature of "${canonicalName(reference)}"`;
  if (base.protocol !== 'file:') {
    throw new OnggiError('unsupported', `write ${what} to "${base.href}": only a directory can be written to`, {
      hint: 'Name one as lookaside-staging in registries.d (containers-registries.d(5)).',
    });
  }
  try {
    const directory = dirname(fileURLToPath(addressIn(base, reference, digest, 1)));
    mkdirSync(directory, { recursive: true });
    addSignatureFile(directory, signature);
  } catch (error) {
    throw fromSystemError(error, `write ${what}`);
  }
}

/**
 * The same in the directory of a `dir:`.
 * @param part the manifest that is signed, where it is one of an index; null: the one that the directory stands for
 */
export function addSignatureFile(directory: string, signature: Uint8Array, part: Digest | null = null): void {
  const prefix = part === null ? '' : `${digestHex(part)}.`;
  for (let index = 1; !putNew(join(directory, `${prefix}signature-${index}`), signature); index += 1);
}

/** @returns false when somebody's signature has that name */
function putNew(path: string, signature: Uint8Array): boolean {
  try {
    writeFileSync(path, signature, { flag: 'wx' });
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Holds a pull to the policy of this machine: containers-policy.json(5). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, fromSystemError, OnggiError } from '../../errors.ts';
import type { Digest } from '../../oci/digest.ts';
import { canonicalName, type Reference } from '../../oci/reference.ts';
import type { Repository } from '../../registry/repository.ts';
import { identityMatches } from '../../signature/identity.ts';
import type { VerifyingKey } from '../../signature/key.ts';
import { type PayloadKind, parsePayload } from '../../signature/payload.ts';
import {
  type Identity,
  type Keys,
  type Policy,
  parsePolicy,
  type Requirement,
  requirementsFor,
  requirementsForPath,
} from '../../signature/policy.ts';
import type { FetchedSignature } from './fetch.ts';

export type PolicyWork = {
  /** What the user asked for. */
  readonly reference: Reference;
  readonly repository: Repository;
  /** Of the manifest, and of the index that names it: a signature of either counts. */
  readonly digests: readonly Digest[];
  readonly environment: NodeJS.ProcessEnv;
  /** Path of the policy that counts; absent: that of the machine. */
  readonly policy?: string | undefined;
  /** Directory of registries.d; absent: that of the machine. */
  readonly registriesDirectory?: string | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** The policy that counts and where it stands; undefined where nobody has written one: then everything is let in. */
export function readPolicy({
  environment,
  policy,
}: Pick<PolicyWork, 'environment' | 'policy'>): { readonly policy: Policy; readonly path: string } | undefined {
  const chosen = policy ?? environment['ONGGI_SIGNATURE_POLICY'];
  const own = join(environment['HOME'] || '/', '.config/containers/policy.json');
  for (const path of chosen ? [chosen] : [own, '/etc/containers/policy.json']) {
    try {
      return { policy: parsePolicy(readFileSync(path, 'utf8'), path), path };
    } catch (error) {
      if (!chosen && errnoOf(error) === 'ENOENT') continue;
      throw fromSystemError(error, `read policy "${path}"`);
    }
  }
  return undefined;
}

/**
 * Call it before anything of the image is registered.
 * @throws OnggiError `denied` when the policy does not let it in; `invalid` (the policy or a key), and what fetching
 *   signatures throws
 */
export async function enforcePolicy(work: PolicyWork): Promise<void> {
  const found = readPolicy(work);
  if (found === undefined) return;
  const what = `image "${canonicalName(work.reference)}"`;
  let signatures: FetchedSignature[] | undefined;
  for (const requirement of requirementsFor(found.policy, work.reference)) {
    switch (requirement.type) {
      case 'insecureAcceptAnything':
        break;
      case 'reject':
        throw rejected(what, found.path);
      case 'signedBy': {
        const { requireGpgSignature } = await import('./gpg.ts');
        await requireGpgSignature(work, requirement, what);
        break;
      }
      case 'sigstoreSigned':
        signatures ??= await fetchAll(work);
        await requireSignature(work, requirement, signatures, what);
    }
  }
}

/** The same for an image out of files, whose signatures are not looked for. @throws as `enforcePolicy` */
export function enforcePathPolicy(
  transport: string,
  path: string,
  work: Pick<PolicyWork, 'environment' | 'policy'>,
): void {
  const found = readPolicy(work);
  if (found === undefined) return;
  const what = path === '' ? `image of a "${transport}"` : `image "${transport}:${path}"`;
  for (const { type } of requirementsForPath(found.policy, transport, path)) {
    if (type === 'insecureAcceptAnything') continue;
    if (type === 'reject') throw rejected(what, found.path);
    throw denied(`${what}: a signature is required, and those of images in files are not read`);
  }
}

function rejected(what: string, path: string): OnggiError {
  return denied(`${what}: policy "${path}" rejects it`);
}

async function fetchAll({ repository, digests, signal }: PolicyWork): Promise<FetchedSignature[]> {
  const { fetchSignatures } = await import('./fetch.ts');
  const found: FetchedSignature[] = [];
  for (const digest of new Set(digests)) found.push(...(await fetchSignatures(repository, digest, signal)));
  return found;
}

async function requireSignature(
  work: PolicyWork,
  { keys, identity }: Extract<Requirement, { readonly keys: Keys }>,
  signatures: readonly FetchedSignature[],
  what: string,
): Promise<void> {
  if (signatures.length === 0) throw denied(`${what}: a signature is required, and it has none`);
  const { verify } = await import('../../signature/key.ts');
  const verifying = await publicKeys(keys);
  const reasons = signatures.map(({ payload, signature }) => {
    if (!verifying.some((key) => verify(key, payload, signature))) return 'made with another key, or damaged';
    return whyNot(payload, 'sigstore', identity, work);
  });
  if (reasons.includes(undefined)) return;
  throw denied(`${what}: none of its ${reasons.length} signatures is accepted: ${[...new Set(reasons)].join('; ')}`);
}

/** What is wrong with a payload whose signature is good; undefined when nothing is. */
export function whyNot(
  payload: Uint8Array,
  kind: PayloadKind,
  identity: Identity,
  { reference, digests }: Pick<PolicyWork, 'reference' | 'digests'>,
): string | undefined {
  try {
    const signed = parsePayload(payload, kind);
    if (!digests.includes(signed.digest)) return `of another image ("${signed.digest}")`;
    return identityMatches(identity, signed.identity, reference)
      ? undefined
      : `of another name ("${signed.identity.slice(0, 200)}")`;
  } catch (error) {
    if (error instanceof OnggiError) return error.message;
    throw error;
  }
}

async function publicKeys({ paths, data }: Keys): Promise<VerifyingKey[]> {
  const { readPublicKey } = await import('../../signature/key.ts');
  return [
    ...paths.map((path) => readPublicKey(readKey(path), path)),
    ...data.map((bytes) => readPublicKey(bytes, 'of the policy')),
  ];
}

export function readKey(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw fromSystemError(error, `read key "${path}"`);
  }
}

export function denied(message: string): OnggiError {
  return new OnggiError('denied', message, {
    hint: 'The policy of this machine decides whose images are let in: containers-policy.json(5).',
  });
}

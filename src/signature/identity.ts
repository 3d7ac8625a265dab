/** Whether a signature that names one image counts for another name: containers-policy.json(5), "signedIdentity". Pure. */
import { OnggiError } from '../errors.ts';
import { canonicalName, parseReference, type Reference } from '../oci/reference.ts';
import type { Identity } from './policy.ts';

/** @param signed the name in the signature, as the signer wrote it @param asked the name that somebody wants to pull */
export function identityMatches(identity: Identity, signed: string, asked: Reference): boolean {
  switch (identity.type) {
    case 'matchExact':
      return sameName(signed, asked);
    case 'matchRepoDigestOrExact':
      return asked.digest === null ? sameName(signed, asked) : sameRepository(signed, asked);
    case 'matchRepository':
      return sameRepository(signed, asked);
    case 'exactReference':
      return isNamed(identity.dockerReference) && sameName(signed, parseReference(identity.dockerReference));
    case 'exactRepository':
      return sameRepository(signed, parseReference(identity.dockerRepository));
    case 'remapIdentity': {
      const mapped = remap(asked, identity.prefix, identity.signedPrefix);
      return identityMatches({ type: 'matchRepoDigestOrExact' }, signed, mapped);
    }
  }
}

/** A name without a tag says nothing about a tag: it is not "latest" here. */
function isNamed(name: string): boolean {
  return name.includes('@') || name.lastIndexOf(':') > name.lastIndexOf('/');
}

function read(name: string): Reference | undefined {
  try {
    return parseReference(name);
  } catch (error) {
    if (error instanceof OnggiError) return undefined;
    throw error;
  }
}

function sameName(signed: string, asked: Reference): boolean {
  const reference = read(signed);
  return reference !== undefined && isNamed(signed) && canonicalName(reference) === canonicalName(asked);
}

function sameRepository(signed: string, asked: Reference): boolean {
  const reference = read(signed);
  return reference !== undefined && reference.registry === asked.registry && reference.repository === asked.repository;
}

/** A prefix ends where a part of the name does. */
function remap(asked: Reference, prefix: string, signedPrefix: string): Reference {
  const full = `${asked.registry}/${asked.repository}`;
  const rest = full.slice(prefix.length);
  if (!full.startsWith(prefix) || (rest !== '' && !rest.startsWith('/'))) return asked;
  const { registry, repository } = parseReference(`${signedPrefix}${rest}`);
  return { ...asked, registry, repository };
}

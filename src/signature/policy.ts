/**
 * Whom this machine believes about an image: containers-policy.json(5), as Podman, Buildah and Skopeo read it. Pure.
 *
 * What is not understood is refused: a requirement that was passed over would let in what it was written against.
 */
import { OnggiError } from '../errors.ts';
import type { Reference } from '../oci/reference.ts';

export type Identity =
  | { readonly type: 'matchExact' | 'matchRepoDigestOrExact' | 'matchRepository' }
  | { readonly type: 'exactReference'; readonly dockerReference: string }
  | { readonly type: 'exactRepository'; readonly dockerRepository: string }
  | { readonly type: 'remapIdentity'; readonly prefix: string; readonly signedPrefix: string };

/** Where keys are: files, or the bytes themselves. One good signature of one of them suffices. */
export type Keys = { readonly paths: readonly string[]; readonly data: readonly Buffer[] };

export type Requirement =
  | { readonly type: 'insecureAcceptAnything' | 'reject' }
  | { readonly type: 'signedBy' | 'sigstoreSigned'; readonly keys: Keys; readonly identity: Identity };

export type Policy = {
  readonly fallback: readonly Requirement[];
  /** Transport ("docker") -> scope -> all of these requirements. */
  readonly transports: ReadonlyMap<string, ReadonlyMap<string, readonly Requirement[]>>;
};

/** @throws OnggiError `invalid`: which place */
export function parsePolicy(bytes: string, path: string): Policy {
  let value: unknown;
  try {
    value = JSON.parse(bytes);
  } catch (cause) {
    throw new OnggiError('invalid', `policy "${path}": not JSON`, { cause });
  }
  try {
    const top = fieldsOf(value, 'the whole', ['default'], ['transports']);
    const transports = Object.entries(objectOf(top['transports'] ?? {}, 'transports')).map(([transport, scopes]) => {
      const place = `transports.${transport}`;
      const entries = Object.entries(objectOf(scopes, place)).map(
        ([scope, list]) => [scope, requirementsOf(list, `${place}."${scope}"`)] as const,
      );
      return [transport, new Map(entries)] as const;
    });
    return { fallback: requirementsOf(top['default'], 'default'), transports: new Map(transports) };
  } catch (error) {
    if (!(error instanceof OnggiError)) throw error;
    throw new OnggiError(error.code, `policy "${path}": ${error.message}`, { cause: error });
  }
}

function requirementsOf(value: unknown, place: string): readonly Requirement[] {
  if (!Array.isArray(value) || value.length === 0) throw wrong(place, 'not a list of requirements, or an empty one');
  return value.map((each, index) => requirementOf(each, `${place}[${index}]`));
}

const keylessFields = [
  'fulcio',
  'pki',
  'rekorPublicKeyPath',
  'rekorPublicKeyPaths',
  'rekorPublicKeyData',
  'rekorPublicKeyDatas',
] as const;
const keyFields = ['keyPath', 'keyPaths', 'keyData', 'keyDatas'] as const;

function requirementOf(value: unknown, place: string): Requirement {
  const type = objectOf(value, place)['type'];
  switch (type) {
    case 'insecureAcceptAnything':
    case 'reject':
      fieldsOf(value, place, ['type'], []);
      return { type };
    case 'signedBy': {
      const fields = fieldsOf(value, place, ['type', 'keyType'], [...keyFields, 'signedIdentity']);
      if (fields['keyType'] !== 'GPGKeys') throw wrong(place, `keyType "${String(fields['keyType'])}"`);
      return { type, keys: keysOf(fields, place), identity: identityOf(fields['signedIdentity'], place) };
    }
    case 'sigstoreSigned': {
      // Known and not checked here; so is not said that they were.
      const keyless = keylessFields.find((name) => Object.hasOwn(objectOf(value, place), name));
      if (keyless !== undefined) {
        throw new OnggiError(
          'unsupported',
          `${place}: "${keyless}": keyless signatures and transparency logs (Fulcio, Rekor, PKI) are not checked by onggi`,
          { hint: 'Require a key: "keyPath".' },
        );
      }
      const fields = fieldsOf(value, place, ['type'], [...keyFields, 'signedIdentity']);
      return { type, keys: keysOf(fields, place), identity: identityOf(fields['signedIdentity'], place) };
    }
    default:
      throw wrong(place, `requirement "${String(type)}"`);
  }
}

function keysOf(fields: Readonly<Record<string, unknown>>, place: string): Keys {
  const given = keyFields.filter((name) => fields[name] !== undefined);
  if (given.length !== 1) throw wrong(place, `exactly one of ${keyFields.join(', ')} is wanted`);
  const strings = (value: unknown): string[] => {
    const list = Array.isArray(value) ? value : [value];
    if (list.length === 0 || list.some((each) => typeof each !== 'string' || each === ''))
      throw wrong(place, 'a key that is no text');
    return list as string[];
  };
  const [name = 'keyPath'] = given;
  const list = strings(fields[name]);
  const isPath = name === 'keyPath' || name === 'keyPaths';
  return { paths: isPath ? list : [], data: isPath ? [] : list.map((each) => Buffer.from(each, 'base64')) };
}

function identityOf(value: unknown, above: string): Identity {
  if (value === undefined) return { type: 'matchRepoDigestOrExact' };
  const place = `${above}.signedIdentity`;
  const string = (fields: Readonly<Record<string, unknown>>, name: string): string => {
    const found = fields[name];
    if (typeof found !== 'string' || found === '') throw wrong(place, `${name} is no text`);
    return found;
  };
  const type = objectOf(value, place)['type'];
  switch (type) {
    case 'matchExact':
    case 'matchRepoDigestOrExact':
    case 'matchRepository':
      fieldsOf(value, place, ['type'], []);
      return { type };
    case 'exactReference':
      return {
        type,
        dockerReference: string(fieldsOf(value, place, ['type', 'dockerReference'], []), 'dockerReference'),
      };
    case 'exactRepository':
      return {
        type,
        dockerRepository: string(fieldsOf(value, place, ['type', 'dockerRepository'], []), 'dockerRepository'),
      };
    case 'remapIdentity': {
      const fields = fieldsOf(value, place, ['type', 'prefix', 'signedPrefix'], []);
      return { type, prefix: string(fields, 'prefix'), signedPrefix: string(fields, 'signedPrefix') };
    }
    default:
      throw wrong(place, `"${String(type)}"`);
  }
}

function objectOf(value: unknown, place: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(place, 'not an object');
  return value as Readonly<Record<string, unknown>>;
}

function fieldsOf(
  value: unknown,
  place: string,
  wanted: readonly string[],
  possible: readonly string[],
): Readonly<Record<string, unknown>> {
  const found = objectOf(value, place);
  const missing = wanted.find((name) => found[name] === undefined);
  if (missing !== undefined) throw wrong(place, `without "${missing}"`);
  const strange = Object.keys(found).find((name) => !wanted.includes(name) && !possible.includes(name));
  if (strange !== undefined) throw wrong(place, `field "${strange}" is not understood`);
  return found;
}

function wrong(place: string, found: string): OnggiError {
  return new OnggiError('invalid', `${place}: ${found}`);
}

/**
 * Requirements for an image of a registry: those of the narrowest scope that is written down: the name with its tag or
 * digest, the repository, what is above it up to the registry, "*.DOMAIN" of it, the transport, the default.
 */
export function requirementsFor(policy: Policy, reference: Reference): readonly Requirement[] {
  const scopes = policy.transports.get('docker');
  if (scopes === undefined) return policy.fallback;
  for (const scope of scopesOf(reference)) {
    const found = scopes.get(scope);
    if (found !== undefined) return found;
  }
  return policy.fallback;
}

/** The same for an image that lies in files: the path, what is above it, the transport, the default. */
export function requirementsForPath(policy: Policy, transport: string, path: string): readonly Requirement[] {
  const scopes = policy.transports.get(transport);
  if (scopes === undefined) return policy.fallback;
  for (let scope = path; scope !== ''; scope = scope.slice(0, Math.max(0, scope.lastIndexOf('/')))) {
    const found = scopes.get(scope);
    if (found !== undefined) return found;
  }
  return scopes.get('') ?? policy.fallback;
}

export function scopesOf({ registry, repository, tag, digest }: Reference): string[] {
  const full = `${registry}/${repository}`;
  const exact = digest === null ? `${full}:${tag ?? 'latest'}` : `${full}@${digest}`;
  const scopes = [exact];
  for (let scope = full; ; scope = scope.slice(0, scope.lastIndexOf('/'))) {
    scopes.push(scope);
    if (!scope.includes('/')) break;
  }
  const host = registry.replace(/:[0-9]+$/, '');
  for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) scopes.push(`*${host.slice(dot)}`);
  return [...scopes, ''];
}

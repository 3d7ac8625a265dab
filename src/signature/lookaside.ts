/** Where the GPG signatures of a registry's images lie: containers-registries.d(5). Pure. */
import { OnggiError } from '../errors.ts';
import { type Digest, digestAlgorithm, digestHex } from '../oci/digest.ts';
import type { Reference } from '../oci/reference.ts';
import { parseYaml, type Yaml } from '../oci/yaml.ts';
import { scopesOf } from './policy.ts';

type Place = {
  /** Addresses (file, http, https) below which signatures are read, and written. */
  readonly read: string | null;
  readonly write: string | null;
};

export type Lookasides = {
  readonly fallback: Place | null;
  /** Scope, as in a policy's transport "docker", -> place. */
  readonly scopes: ReadonlyMap<string, Place>;
};

/** Of each field its name now and before. */
const readFields = ['lookaside', 'sigstore'];
const writeFields = ['lookaside-staging', 'sigstore-staging'];
/** Signatures in the registry are looked for in any case. */
const otherFields = ['use-sigstore-attachments'];

/** @param files path and content of each. @throws OnggiError `invalid`: which file and what; the same scope in two */
export function parseLookasides(files: readonly (readonly [path: string, text: string])[]): Lookasides {
  let fallback: Place | null = null;
  const scopes = new Map<string, Place>();
  for (const [path, text] of files) {
    const what = `signatures in "${path}"`;
    const top = fieldsOf(parseYaml(text, what) ?? {}, what, ['default-docker', 'docker']);
    if (top['default-docker'] !== undefined) {
      if (fallback !== null) throw wrong(what, '"default-docker", which another file has, too');
      fallback = placeOf(top['default-docker'], `${what}: default-docker`);
    }
    for (const [scope, value] of Object.entries(fieldsOf(top['docker'] ?? {}, `${what}: docker`))) {
      if (scopes.has(scope)) throw wrong(what, `"${scope}", which another file has, too`);
      scopes.set(scope, placeOf(value, `${what}: docker."${scope}"`));
    }
  }
  return { fallback, scopes };
}

function placeOf(value: Yaml, what: string): Place {
  const fields = fieldsOf(value ?? {}, what, [...readFields, ...writeFields, ...otherFields]);
  const address = (names: readonly string[]): string | null => {
    const found = names.map((name) => fields[name]).find((each) => each !== undefined && each !== null) ?? null;
    if (found === null) return null;
    if (typeof found !== 'string' || !/^(file|https?):\/\//.test(found) || !URL.canParse(found))
      throw wrong(what, `${names[0]}: no address with file, http or https`);
    return found;
  };
  const read = address(readFields);
  return { read, write: address(writeFields) ?? read };
}

function fieldsOf(value: Yaml, what: string, known?: readonly string[]): { readonly [key: string]: Yaml } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(what, 'no mapping');
  const fields = value as { readonly [key: string]: Yaml };
  const strange = Object.keys(fields).find((name) => known !== undefined && !known.includes(name));
  if (strange !== undefined) throw wrong(what, `field "${strange}" is not known`);
  return fields;
}

function wrong(what: string, found: string): OnggiError {
  return new OnggiError('invalid', `${what}: ${found}`);
}

/** Of the narrowest scope that has one; null where nothing is written down. */
export function lookasideOf(
  { fallback, scopes }: Lookasides,
  reference: Reference,
  use: 'read' | 'write',
): string | null {
  for (const scope of scopesOf(reference)) {
    const found = scopes.get(scope)?.[use];
    if (found !== undefined && found !== null) return found;
  }
  return fallback?.[use] ?? null;
}

/** Below the place: "library/alpine@sha256=HEX/signature-1". The registry is not named, so each wants a place of its own. */
export function signaturePath({ repository }: Reference, digest: Digest, index: number): string {
  return `${repository}@${digestAlgorithm(digest)}=${digestHex(digest)}/signature-${index}`;
}

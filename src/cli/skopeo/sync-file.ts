/** The file of `skopeo sync --src yaml`: which images of which registries (skopeo-sync(1), "YAML file content"). Pure. */
import type { RegistryOptions, SyncList } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import { parseReference } from '../../oci/reference.ts';
import { versionRange } from '../../oci/version-range.ts';
import { parseYaml, type Yaml } from '../../oci/yaml.ts';

type Fields = { readonly [key: string]: Yaml };

const known = ['images', 'images-by-tag-regex', 'images-by-semver', 'credentials', 'tls-verify', 'cert-dir'];

/**
 * @param defaults how registries are reached that say nothing of it
 * @param what 'file "sync.yml"'. @throws OnggiError `invalid`: the place and what is wrong there
 */
export function readSyncFile(text: string, what: string, defaults: RegistryOptions): SyncList[] {
  const registries = fieldsOf(parseYaml(text, what), what);
  return Object.entries(registries).flatMap(([registry, value]) => {
    const place = `${what}: "${registry}"`;
    const fields = fieldsOf(value, place);
    const strange = Object.keys(fields).find((name) => !known.includes(name));
    if (strange !== undefined) throw wrong(place, `"${strange}" is not known`);
    const access = accessOf(fields, place, defaults);
    const section = (name: string): [string, Yaml][] =>
      Object.entries(fieldsOf(fields[name] ?? {}, `${place}: "${name}"`));
    const list = (repository: string, more: Pick<SyncList, 'tags' | 'wanted'>): SyncList => {
      const reference = parseReference(`${registry}/${repository}`);
      return { registry: reference.registry, repository: reference.repository, access, ...more };
    };
    return [
      ...section('images').map(([name, tags]) => list(name, { tags: tagsOf(tags, `${place}: "${name}"`) })),
      ...section('images-by-tag-regex').map(([name, pattern]) => {
        const regex = regexOf(pattern, `${place}: "${name}"`);
        return list(name, { tags: null, wanted: (tag) => regex.test(tag) });
      }),
      ...section('images-by-semver').map(([name, range]) =>
        list(name, { tags: null, wanted: versionRange(textOf(range, `${place}: "${name}"`)) }),
      ),
    ];
  });
}

/** No tags: all. */
function tagsOf(value: Yaml, place: string): readonly string[] | null {
  if (value === null) return null;
  if (!Array.isArray(value)) throw wrong(place, 'not a list of tags');
  return value.length === 0 ? null : value.map((tag: Yaml) => textOf(tag, place));
}

/** Go's and JavaScript's expressions are one where tags are concerned. */
function regexOf(value: Yaml, place: string): RegExp {
  try {
    return new RegExp(textOf(value, place), 'u');
  } catch (cause) {
    if (cause instanceof OnggiError) throw cause;
    throw wrong(place, 'not a regular expression');
  }
}

function accessOf(fields: Fields, place: string, defaults: RegistryOptions): RegistryOptions {
  const { username, password, ...more } = fieldsOf(fields['credentials'] ?? {}, `${place}: "credentials"`);
  if (Object.keys(more).length > 0) throw wrong(`${place}: "credentials"`, 'more than username and password');
  const verify = fields['tls-verify'] ?? null;
  if (verify !== null && verify !== 'true' && verify !== 'false')
    throw wrong(`${place}: "tls-verify"`, 'not true or false');
  const certificates = fields['cert-dir'] ?? null;
  const { insecure, ...rest } = defaults;
  return {
    ...rest,
    ...((verify === 'false' || (verify === null && insecure === true)) && { insecure: true }),
    ...(typeof username === 'string' && { credentials: { username, password: textOf(password ?? '', place) } }),
    ...(certificates !== null && { certificates: textOf(certificates, place) }),
  };
}

function fieldsOf(value: Yaml, place: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(place, 'not a mapping');
  return value as Fields;
}

function textOf(value: Yaml, place: string): string {
  if (typeof value === 'string') return value;
  throw wrong(place, 'not text');
}

function wrong(place: string, found: string): OnggiError {
  return new OnggiError('invalid', `${place}: ${found}`);
}

/** The specifications of devices on this machine, and the devices that a container asks for. Acts. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, fromSystemError, OnggiError } from '../../errors.ts';
import { parseYaml } from '../../oci/yaml.ts';
import { type CdiEdits, type CdiSpec, parseCdiSpec } from './cdi-spec.ts';

/** The first is for the administrator, the second for what the machine makes anew at each boot, which counts more. */
export const cdiDirectories = ['/etc/cdi', '/var/run/cdi'] as const;

const largestFile = 4 << 20;

/**
 * What the devices need, in the order in which they are named; what their specifications need besides comes once.
 * @param names vendor/class=name each; the name "all" means every device of its kind
 * @throws OnggiError `not-found`, `invalid` for a specification that is wrong, `conflict` for one of two meanings
 */
export function cdiEdits(names: readonly string[], directories: readonly string[] = cdiDirectories): CdiEdits[] {
  if (names.length === 0) return [];
  const levels = directories.map(readDirectory);
  const used = new Set<CdiSpec>();
  const edits: CdiEdits[] = [];
  for (const name of names.flatMap((asked) => expand(asked, levels))) {
    const { spec, device } = find(name, levels, directories);
    if (!used.has(spec)) edits.push(spec.edits);
    used.add(spec);
    edits.push(device);
  }
  return edits;
}

function expand(asked: string, levels: readonly (readonly CdiSpec[])[]): string[] {
  const [kind = '', name = ''] = asked.split('=');
  if (name !== 'all') return [asked];
  const specs = levels.flat().filter((spec) => spec.kind === kind);
  // A specification may have a device of that name, for all of them.
  if (specs.length === 0 || specs.some(({ devices }) => devices.has('all'))) return [asked];
  return [...new Set(specs.flatMap(({ devices }) => [...devices.keys()]))].map((device) => `${kind}=${device}`);
}

function find(
  asked: string,
  levels: readonly (readonly CdiSpec[])[],
  directories: readonly string[],
): { readonly spec: CdiSpec; readonly device: CdiEdits } {
  const [kind = '', name = ''] = asked.split('=');
  for (const specs of levels.toReversed()) {
    const found = specs.flatMap((spec) => {
      const device = spec.kind === kind ? spec.devices.get(name) : undefined;
      return device === undefined ? [] : [{ spec, device }];
    });
    const [first, second] = found;
    if (first !== undefined && second !== undefined) {
      throw new OnggiError(
        'conflict',
        `CDI device "${asked}": both "${first.spec.file}" and "${second.spec.file}" describe it`,
        { hint: 'Remove one of the two.' },
      );
    }
    if (first !== undefined) return first;
  }
  throw new OnggiError('not-found', `unresolvable CDI devices ${asked}`, {
    hint: `No specification in ${directories.join(' or ')} has it; those that there are: ${known(levels)}.`,
  });
}

function known(levels: readonly (readonly CdiSpec[])[]): string {
  const names = levels.flat().flatMap(({ kind, devices }) => [...devices.keys()].map((name) => `${kind}=${name}`));
  return names.length === 0 ? 'none' : [...new Set(names)].slice(0, 10).join(', ');
}

function readDirectory(directory: string): CdiSpec[] {
  let names: string[];
  try {
    names = readdirSync(directory).sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fromSystemError(error, `read the directory "${directory}"`);
  }
  return names.filter((name) => /\.(json|ya?ml)$/.test(name)).map((name) => readSpec(join(directory, name)));
}

function readSpec(file: string): CdiSpec {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw fromSystemError(error, `read the CDI specification "${file}"`);
  }
  if (text.length > largestFile)
    throw new OnggiError('invalid', `CDI specification "${file}": larger than ${largestFile} bytes`);
  return parseCdiSpec(file, file.endsWith('.json') ? json(file, text) : yaml(file, text));
}

function json(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed(file, error);
  }
}

function yaml(file: string, text: string): unknown {
  try {
    return parseYaml(text, 'as YAML');
  } catch (error) {
    throw malformed(file, error);
  }
}

function malformed(file: string, error: unknown): OnggiError {
  return new OnggiError('invalid', `CDI specification "${file}": ${error instanceof Error ? error.message : error}`);
}

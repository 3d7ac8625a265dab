/**
 * config.json and process.json as others write them, checked at the border: types, ranges, sizes and counts (OCI
 * runtime specification 1.2, config.md and config-linux.md). Unknown fields are passed over, as the specification
 * asks (config.md, "Extensibility"). Whether the fields make sense together is for the plan compiler.
 */
import { OnggiError } from '../errors.ts';
import { decodeJson } from './runtime-json.ts';
import { linux } from './runtime-schema-linux.ts';
import { commandWords, environment, process } from './runtime-schema-process.ts';
import { resources } from './runtime-schema-resources.ts';
import { counts, idMaps, path, word } from './runtime-schema-words.ts';
import type { Hook, Hooks, Mount, Process, Resources, Spec } from './runtime-spec.ts';
import { boolean, type Check, integer, list, mismatch, object, record, text } from './schema.ts';

/** Some hundred times the largest configuration that engines write, most of which is the seccomp profile. */
const mostCharacters = 4 << 20;

/**
 * A `config.json`.
 *
 * @param name what the file is called in errors
 * @throws OnggiError `invalid`, naming the field and what stands there
 */
export function parseSpec(content: string, name = 'config.json'): Spec {
  return checked(content, name, spec);
}

/** The `process.json` of `exec --process`, shaped as the field "process". @throws OnggiError as `parseSpec` */
export function parseProcess(content: string, name = 'process.json'): Process {
  return checked(content, name, process);
}

/** The input of `update --resources`, shaped as the field "linux.resources". @throws OnggiError as `parseSpec` */
export function parseResources(content: string, name = 'resources.json'): Resources {
  return checked(content, name, resources);
}

function checked<T>(content: string, name: string, check: Check<T>): T {
  if (content.length > mostCharacters) {
    throw new OnggiError('invalid', `${name}: ${content.length} characters, ${mostCharacters} are the most`);
  }
  let value: unknown;
  try {
    value = decodeJson(content);
  } catch (cause) {
    // RangeError is what an engine says that parses nested lists by recursion.
    const found = cause instanceof RangeError ? 'nested too deeply' : cause instanceof Error ? cause.message : '';
    throw new OnggiError('invalid', `${name}: not JSON: ${found}`, { cause });
  }
  try {
    return check(value, '');
  } catch (error) {
    if (!(error instanceof OnggiError)) throw error;
    throw new OnggiError(error.code, `${name}: ${error.message}`, { cause: error });
  }
}

/** "1.2.0", "1.0.2-dev": any minor version, since what a newer one adds is unknown and passed over. */
const version: Check<string> = (value, at) => {
  const found = word(value, at);
  if (!/^\d+\.\d+\.\d+(?:[-+][\w.+-]+)?$/.test(found)) return mismatch(at, found, 'a version such as "1.2.0"');
  return found.startsWith('1.') ? found : mismatch(at, found, 'a version 1 of the specification');
};

const mount: Check<Mount> = object<Mount>(
  { destination: path },
  {
    type: word,
    source: path,
    // An overlay of 500 layers, which is as many as the kernel takes, with 128 characters each.
    options: list(text(1 << 16), 1000),
    uidMappings: idMaps,
    gidMappings: idMaps,
  },
);

const hook: Check<Hook> = object<Hook>(
  { path },
  { args: commandWords, env: environment, timeout: integer(0, 0x7fff_ffff) },
);
const hooks = list(hook, counts.hooks);

const spec: Check<Spec> = object<Spec>(
  { ociVersion: version },
  {
    process,
    root: object<NonNullable<Spec['root']>>({ path }, { readonly: boolean }),
    // __NEW_UTS_LEN, <linux/utsname.h>
    hostname: text(64),
    domainname: text(64),
    mounts: list(mount, counts.mounts),
    hooks: object<Hooks>(
      {},
      {
        prestart: hooks,
        createRuntime: hooks,
        createContainer: hooks,
        startContainer: hooks,
        poststart: hooks,
        poststop: hooks,
      },
    ),
    annotations: record(text(4096), text(1 << 20), 10_000),
    linux,
  },
);

/**
 * Profiles in the JSON of Docker and containers/common: rules that apply by capability, architecture and kernel
 * (moby/profiles, seccomp/seccomp.go). Pure.
 */
import { OnggiError } from '../../errors.ts';
import { seccomp } from '../../oci/runtime-schema-linux.ts';
import type { Seccomp } from '../../oci/runtime-spec.ts';
import { architectureNames, type SeccompArchitecture } from './architecture.ts';
import { isSince, type KernelVersion, kernelVersion } from './profile.ts';

/** Names of architectures in `includes` and `excludes`, as Go has them. */
const goNames: Readonly<Record<SeccompArchitecture, readonly string[]>> = {
  x86_64: ['amd64', 'x32', 'x86'],
  aarch64: ['arm64', 'arm'],
};

export type SeccompPlace = {
  /** Names in the bounding set. */
  readonly capabilities: readonly string[];
  readonly machine: SeccompArchitecture;
  readonly kernel: KernelVersion;
};

type Condition = {
  readonly caps?: readonly string[];
  readonly arches?: readonly string[];
  readonly minKernel?: string;
};

/**
 * The profile of this container on this machine. What is left of it is held to the schema of config.json.
 * @param json parsed
 * @throws OnggiError `invalid`
 */
export function applySeccompTemplate(json: unknown, place: SeccompPlace): Seccomp {
  const document = object(json, 'the profile');
  const { defaultAction, defaultErrnoRet, architectures, archMap, listenerPath, listenerMetadata, flags } = document;
  if (typeof defaultAction !== 'string') throw wrong('defaultAction', 'a text');
  const syscalls = list(document['syscalls'] ?? [], 'syscalls').flatMap((entry, index): object[] => {
    const rule = object(entry, `syscalls[${index}]`);
    if (!applies(rule, place, index)) return [];
    const { names, name, action, errnoRet, args } = rule;
    const called = name === undefined ? names : [name];
    return [{ names: called, action, ...(errnoRet != null && { errnoRet }), ...(args != null && { args }) }];
  });
  const known =
    archMap === undefined && architectures === undefined ? {} : { architectures: architectureNames[place.machine] };
  const chosen = {
    defaultAction,
    ...(defaultErrnoRet != null && { defaultErrnoRet }),
    ...known,
    ...(flags != null && { flags }),
    ...(listenerPath != null && { listenerPath }),
    ...(listenerMetadata != null && { listenerMetadata }),
    syscalls,
  };
  return seccomp(chosen, 'seccomp profile');
}

function applies(rule: Readonly<Record<string, unknown>>, place: SeccompPlace, index: number): boolean {
  const includes = condition(rule['includes'], `syscalls[${index}].includes`);
  const excludes = condition(rule['excludes'], `syscalls[${index}].excludes`);
  const here = goNames[place.machine];
  const held = (name: string): boolean => place.capabilities.includes(name);
  const isHere = (name: string): boolean => here[0] === name;
  const isNew = (minimum: string): boolean => isSince(place.kernel, kernelVersion(minimum));
  if ((includes.arches ?? []).length > 0 && !includes.arches?.some(isHere)) return false;
  if (includes.caps?.some((name) => !held(name)) === true) return false;
  if (includes.minKernel !== undefined && !isNew(includes.minKernel)) return false;
  if (excludes.arches?.some(isHere) === true || excludes.caps?.some(held) === true) return false;
  return excludes.minKernel === undefined || !isNew(excludes.minKernel);
}

function condition(value: unknown, field: string): Condition {
  if (value === undefined || value === null) return {};
  const { caps, arches, minKernel } = object(value, field);
  if (minKernel !== undefined && (typeof minKernel !== 'string' || !/^\d+\.\d+/.test(minKernel))) {
    throw wrong(`${field}.minKernel`, 'a version');
  }
  return {
    caps: texts(caps ?? [], `${field}.caps`),
    arches: texts(arches ?? [], `${field}.arches`),
    ...(typeof minKernel === 'string' && { minKernel }),
  };
}

function object(value: unknown, field: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(field, 'an object');
  return value as Readonly<Record<string, unknown>>;
}

function list(value: unknown, field: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(field, 'a list');
  return value;
}

function texts(value: unknown, field: string): readonly string[] {
  return list(value, field).map((each) => {
    if (typeof each !== 'string') throw wrong(field, 'a list of texts');
    return each;
  });
}

function wrong(field: string, what: string): OnggiError {
  return new OnggiError('invalid', `seccomp profile: ${field} is not ${what}`);
}

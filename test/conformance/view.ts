/** What one run showed, as fields that can be compared: numbers of this run (inodes, ids, pids) become words. Pure. */
import type { Fields } from './bundle.ts';

type Value = string | number | boolean | null;
type Json = Value | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = Readonly<Record<string, Json>>;

/** What the numbers of a run are known by. */
export type Known = {
  /** Namespaces that the bundle may join: name -> "mnt:[4026531832]". */
  readonly joinable: Readonly<Record<string, string>>;
  readonly id: string;
  readonly bundle: string;
  readonly disk: { readonly major: number; readonly minor: number };
};

export type Seen = {
  /** Namespaces of the runtime. */
  readonly host: Readonly<Record<string, string>>;
  readonly exit: number | null;
  /** What the probe printed; empty when it did not run. */
  readonly report: string;
  readonly stderr: string;
  /** State documents by what had happened before: "created", "stopped". */
  readonly states: Readonly<Record<string, string>>;
  /** Lines that hooks wrote. */
  readonly hooks: readonly string[];
  /** The root file system afterwards: path -> mode and type. */
  readonly left: Readonly<Record<string, string>>;
};

type Names = Known & Pick<Seen, 'host'>;

export function viewOf(seen: Seen, place: Known): Fields {
  const known = { ...place, host: seen.host };
  const fields: Record<string, Value> = { exit: seen.exit };
  if (seen.report !== '') Object.assign(fields, reportFields(parse(seen.report), known));
  for (const [when, state] of Object.entries(seen.states)) {
    Object.assign(fields, flatten(`state.${when}`, stateOf(parse(state), known)));
  }
  if (seen.hooks.length > 0) {
    const hooks = seen.hooks.map(parse);
    fields['hooks'] = hooks.map((hook) => hook['name']).join(' ');
    for (const hook of hooks) Object.assign(fields, flatten(`hook.${hook['name']}`, hookOf(hook, known)));
  }
  for (const [path, entry] of Object.entries(seen.left)) fields[`left.${path}`] = entry;
  return fields;
}

function reportFields(report: JsonObject, known: Names): Record<string, Value> {
  const { env, mountinfo, cgroup, groups, interfaces, namespaces, descriptors, paths, ...rest } = report;
  const plain = flatten('', {
    ...rest,
    ...processOf(report),
    paths: pathsOf(object(paths), known),
    groups: numbers(groups).sort((a, b) => a - b),
    env: Object.fromEntries(strings(env).map(splitAt('='))),
    namespaces: namespacesOf(object(namespaces), known),
    interfaces: strings(interfaces)
      .flatMap((line) => /^ *(\S+):/.exec(line)?.slice(1, 2) ?? [])
      .sort(),
    descriptors: Object.fromEntries(
      Object.entries(object(descriptors)).map(([fd, target]) => [fd, streamOf(String(target))]),
    ),
    cgroup: Object.fromEntries(strings(cgroup).map((line) => splitAt(':')(line.replace(/^\d+:/, '')))),
    ignoredSignals: signalsOf(rest['ignoredSignals']),
    sessionKeyring: keyringOf(String(rest['sessionKeyring']), known),
  });
  return { ...plain, ...mountFields(strings(mountinfo), known) };
}

/** Without 32 and 33: the C library's own (nptl(7)), which the other runtimes pass on from whoever started the test. */
function signalsOf(mask: Json | undefined): string | null {
  if (typeof mask !== 'string') return null;
  return (BigInt(`0x${mask}`) & ~(3n << 31n)).toString(16).padStart(16, '0');
}

/** Limits of the disk name it by its numbers. */
function pathsOf(paths: JsonObject, { disk }: Names): JsonObject {
  const numbers = new RegExp(`^${disk.major}:${disk.minor} `, 'gm');
  const limits = Object.entries(paths).filter(([word]) => word.includes('/blkio/'));
  return {
    ...paths,
    ...Object.fromEntries(limits.map(([word, text]) => [word, String(text).replace(numbers, 'DISK ')])),
  };
}

/** In a pid namespace that others are in the numbers are any; whether it leads its session and group is not. */
function processOf(report: JsonObject): JsonObject {
  const { pid, ppid, sid, pgrp } = report;
  if (pid === 1) return {};
  const leads = (id: Json | undefined) => (id === pid ? 'its own' : 'of another');
  return { pid: 'a pid', ppid: ppid === 0 ? 0 : 'a pid', sid: leads(sid), pgrp: leads(pgrp) };
}

/** One field an attribute of a mount, by its target; "#2" is the second mount on the same target. */
function mountFields(lines: readonly string[], known: Names): Record<string, Value> {
  const fields: Record<string, Value> = {};
  const count = new Map<string, number>();
  for (const line of lines) {
    const [mount = '', file = ''] = line.split(' - ');
    const [, , , root = '', target = '', options = '', ...optional] = mount.split(' ');
    const [fstype = '', source = '', superOptions = ''] = file.split(' ');
    const times = (count.get(target) ?? 0) + 1;
    count.set(target, times);
    const key = `mounts.${target}${times === 1 ? '' : `#${times}`}`;
    fields[`${key}.root`] = nameIds(root, known);
    fields[`${key}.options`] = sorted(options);
    fields[`${key}.propagation`] = optional.map((word) => word.replace(/:\d+$/, '')).join(' ') || 'private';
    fields[`${key}.fstype`] = fstype;
    fields[`${key}.source`] = nameIds(source, known);
    fields[`${key}.super`] = sorted(superOptions);
  }
  return fields;
}

function stateOf(state: JsonObject, known: Names): JsonObject {
  const { pid, created, ociVersion, ...rest } = state;
  return {
    ...named(rest, known),
    ociVersion: /^1\.\d+\.\d+/.test(String(ociVersion)) ? 'a version' : (ociVersion ?? null),
    ...(pid !== undefined && { pid: pid === 0 ? 0 : 'a pid' }),
    ...(created !== undefined && { created: typeof created === 'string' && created !== '' ? 'a time' : created }),
  };
}

function hookOf(hook: JsonObject, known: Names): JsonObject {
  const { state, namespaces, name: _name, env, ...rest } = hook;
  return {
    ...named(rest, known),
    env: Object.fromEntries(strings(env).map(splitAt('='))),
    state: stateOf(parse(String(state)), known),
    namespaces: namespacesOf(object(namespaces), known),
  };
}

/** "host": the runtime's; "joined": the one that was offered; else "new". */
function namespacesOf(namespaces: JsonObject, known: Names): JsonObject {
  return Object.fromEntries(
    Object.entries(namespaces).map(([name, value]) => {
      const kind = name.replace('_for_children', '');
      return [name, value === known.host[kind] ? 'host' : value === known.joinable[kind] ? 'joined' : 'new'];
    }),
  );
}

/** Pipe or socket, whatever whoever started the runtime gave it. */
function streamOf(target: string): string {
  return target.replace(/^(pipe|socket):\[\d+\]$/, 'stream').replace(/^\/dev\/pts\/\d+$/, 'terminal');
}

/** "keyring;0;0;3f130000;_ses.ID": owner, permissions and name. */
function keyringOf(text: string, known: Names): string {
  // Ours has a part that nobody can guess.
  return nameIds(text, known).replace(/(;_ses\.ID)\.[0-9a-f]{16}$/, '$1');
}

function named(value: JsonObject, known: Names): JsonObject {
  return parse(nameIds(JSON.stringify(value), known));
}

function nameIds(text: string, known: Names): string {
  return text.replaceAll(known.bundle, 'BUNDLE').replaceAll(known.id, 'ID');
}

function sorted(options: string): string {
  return options.split(',').sort().join(',');
}

/** Objects become paths, lists stay one field as JSON. */
function flatten(prefix: string, value: Json): Record<string, Value> {
  if (value === null || typeof value !== 'object') return { [prefix]: value };
  if (Array.isArray(value)) return { [prefix]: JSON.stringify(value) };
  const fields: Record<string, Value> = {};
  for (const [key, inner] of Object.entries(value)) {
    Object.assign(fields, flatten(prefix === '' ? key : `${prefix}.${key}`, inner));
  }
  return fields;
}

function splitAt(separator: string): (line: string) => [string, string] {
  return (line) => {
    const at = line.indexOf(separator);
    return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
  };
}

function parse(text: string): JsonObject {
  return object(JSON.parse(text) as Json);
}

function object(value: Json | undefined): JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as JsonObject) : {};
}

function strings(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function numbers(value: Json | undefined): number[] {
  return Array.isArray(value) ? value.map(Number) : [];
}

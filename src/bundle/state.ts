/**
 * What is recorded of a container (`state.json` of the state directory), and what callers are told of it (runtime.md,
 * "State"). The record holds facts that were decided or found when the container was made; its status is never
 * recorded, but found anew each time (status.ts). Pure.
 *
 * Law: `decodeState(encodeState(record))` equals `record`.
 */
import { OnggiError } from '../errors.ts';
import { ociVersion } from '../oci/runtime-spec.ts';
import type { Cgroup } from '../runtime/cgroup/cgroup.ts';
import type { Scope } from '../runtime/cgroup/systemd-scope.ts';
import type { Resctrl } from './resctrl-group.ts';

export type InitProcess = {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat (proc(5)). */
  readonly startTime: bigint;
};

export type StateRecord = {
  readonly id: string;
  /** Of the config.json that the container was made from. */
  readonly ociVersion: string;
  /** Absolute. */
  readonly bundle: string;
  /** Absolute. */
  readonly rootfs: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** RFC 3339, UTC. */
  readonly created: string;
  /** User id of whoever made it. */
  readonly owner: number;
  /** Recorded before its directories are made. */
  readonly cgroup: Cgroup;
  /** The unit that systemd keeps the cgroup as, if it does. */
  readonly scope: Scope | null;
  /** It has no pid namespace of its own. */
  readonly sharedPids: boolean;
  /** Name of its session keyring (plan/steps.ts, `Spawn`); null: that of whoever made it. */
  readonly keyring: string | null;
  /** There are hooks of these kinds in its config.json. */
  readonly poststart: boolean;
  readonly poststop: boolean;
  /** Its class of service; absent without `linux.intelRdt`. */
  readonly resctrl?: Resctrl;
  /** That of its cgroups (cgroup-mark.ts); absent while it is being made, and where the kernel keeps none. */
  readonly mark?: string;
  /** It was given a socket to tell that it is ready. */
  readonly notify: boolean;
  /** Who makes it, and holds its lock meanwhile; null in records of a process that can't be told. */
  readonly maker: InitProcess | null;
  /** Null until it exists. */
  readonly init: InitProcess | null;
};

export const statuses = ['creating', 'created', 'running', 'paused', 'stopped'] as const;
export type Status = (typeof statuses)[number];

const format = 1;
const gone = '"delete --force" ends the container and removes what is left of it.';

export function encodeState(record: StateRecord): string {
  const { maker, init, ...rest } = record;
  return `${JSON.stringify({ format, ...rest, maker: encodeProcess(maker), init: encodeProcess(init) })}\n`;
}

function encodeProcess(found: InitProcess | null): { readonly pid: number; readonly startTime: string } | null {
  return found === null ? null : { pid: found.pid, startTime: String(found.startTime) };
}

/** @throws OnggiError `corrupt` */
export function decodeState(text: string, path: string): StateRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new OnggiError('corrupt', `state "${path}": not JSON`, { cause, hint: gone });
  }
  const fields = fieldsOf(value, path, 'it');
  if (fields['format'] !== format) {
    throw new OnggiError('corrupt', `state "${path}": its format is "${String(fields['format'])}", not ${format}`, {
      hint: 'It was written by another version of onggi; use that one, or "delete --force".',
    });
  }
  const textOf = (name: string): string => {
    const found = fields[name];
    if (typeof found !== 'string') throw wrong(path, name);
    return found;
  };
  const flag = (name: string): boolean => {
    const found = fields[name];
    if (typeof found !== 'boolean') throw wrong(path, name);
    return found;
  };
  const annotations = fieldsOf(fields['annotations'], path, 'annotations');
  for (const [name, found] of Object.entries(annotations)) {
    if (typeof found !== 'string') throw wrong(path, `annotations.${name}`);
  }
  return {
    id: textOf('id'),
    ociVersion: textOf('ociVersion'),
    bundle: textOf('bundle'),
    rootfs: textOf('rootfs'),
    annotations: annotations as Record<string, string>,
    created: textOf('created'),
    owner: integer(fields['owner'], path, 'owner'),
    cgroup: cgroupOf(fieldsOf(fields['cgroup'], path, 'cgroup'), path),
    scope: fields['scope'] === null ? null : scopeOf(fieldsOf(fields['scope'], path, 'scope'), path),
    sharedPids: flag('sharedPids'),
    keyring: fields['keyring'] === null ? null : textOf('keyring'),
    poststart: flag('poststart'),
    poststop: flag('poststop'),
    ...(fields['resctrl'] !== undefined && { resctrl: resctrlOf(fieldsOf(fields['resctrl'], path, 'resctrl'), path) }),
    ...(fields['mark'] !== undefined && { mark: textOf('mark') }),
    notify: flag('notify'),
    maker: processOf(fields['maker'], path, 'maker'),
    init: processOf(fields['init'], path, 'init'),
  };
}

function processOf(value: unknown, path: string, name: string): InitProcess | null {
  if (value === null) return null;
  const { pid, startTime } = fieldsOf(value, path, name);
  if (typeof startTime !== 'string' || !/^\d{1,20}$/.test(startTime)) throw wrong(path, `${name}.startTime`);
  return { pid: integer(pid, path, `${name}.pid`), startTime: BigInt(startTime) };
}

function cgroupOf({ unified, legacy }: Readonly<Record<string, unknown>>, path: string): Cgroup {
  if (unified !== null && !isDirectory(unified)) throw wrong(path, 'cgroup.unified');
  if (!Array.isArray(legacy)) throw wrong(path, 'cgroup.legacy');
  const found = legacy.map((item: unknown, index) => {
    const { controllers, directory } = fieldsOf(item, path, `cgroup.legacy[${index}]`);
    const words = Array.isArray(controllers) && controllers.every((word) => typeof word === 'string');
    if (!words || !isDirectory(directory)) throw wrong(path, `cgroup.legacy[${index}]`);
    return { controllers, directory };
  });
  return { unified, legacy: found };
}

function scopeOf({ slice, unit, user }: Readonly<Record<string, unknown>>, path: string): Scope {
  if (typeof slice !== 'string') throw wrong(path, 'scope.slice');
  if (typeof unit !== 'string' || !unit.endsWith('.scope')) throw wrong(path, 'scope.unit');
  if (typeof user !== 'boolean') throw wrong(path, 'scope.user');
  return { slice, unit, user };
}

function resctrlOf({ directory, made, monitor }: Readonly<Record<string, unknown>>, path: string): Resctrl {
  if (!isDirectory(directory)) throw wrong(path, 'resctrl.directory');
  if (typeof made !== 'boolean') throw wrong(path, 'resctrl.made');
  if (monitor !== null && !isDirectory(monitor)) throw wrong(path, 'resctrl.monitor');
  return { directory, made, monitor };
}

function isDirectory(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith('/');
}

function integer(value: unknown, path: string, name: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw wrong(path, name);
  return value;
}

function fieldsOf(value: unknown, path: string, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(path, name);
  return value as Readonly<Record<string, unknown>>;
}

function wrong(path: string, name: string): OnggiError {
  return new OnggiError('corrupt', `state "${path}": ${name} is missing or of the wrong type`, { hint: gone });
}

/** The state of runtime.md, with the fields that runc adds to it (rootfs, created, owner). */
export type OciState = {
  readonly ociVersion: string;
  readonly id: string;
  /** 0 when there is no process. */
  readonly pid: number;
  readonly status: Status;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly owner: string;
};

export function ociState(record: StateRecord, status: Status, owner: string): OciState {
  return {
    ociVersion: record.ociVersion,
    id: record.id,
    pid: status === 'stopped' || record.init === null ? 0 : record.init.pid,
    status,
    bundle: record.bundle,
    rootfs: record.rootfs,
    created: record.created,
    ...(Object.keys(record.annotations).length > 0 && { annotations: record.annotations }),
    owner,
  };
}

/** What hooks get on standard input: the state of runtime.md and no more (config.md, "POSIX-platform Hooks"). */
export function hookState(record: StateRecord, status: Status, pid: number): string {
  const { id, bundle, annotations } = record;
  return JSON.stringify({ ociVersion, id, status, pid, bundle, annotations });
}

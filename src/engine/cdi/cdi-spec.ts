/**
 * A file of the Container Device Interface, which says what a container needs that is to use a device (its
 * specification, SPEC.md, versions 0.3.0 to 1.0.0). Checked as a whole, each complaint with the file and the field. Pure.
 */
import { OnggiError } from '../../errors.ts';
import type { Hook, IntelRdt, Mount } from '../../oci/runtime-spec.ts';

export type CdiNode = {
  readonly path: string;
  /** The same as `path` if absent. */
  readonly hostPath?: string;
  /** What is absent is asked of the host's device. */
  readonly type?: 'b' | 'c' | 'p';
  readonly major?: number;
  readonly minor?: number;
  readonly fileMode?: number;
  readonly permissions?: string;
  readonly uid?: number;
  readonly gid?: number;
};

/** Those that run while a container is made. */
export const cdiHookNames = ['prestart', 'createRuntime', 'createContainer', 'startContainer'] as const;

export type CdiEdits = {
  readonly env: readonly string[];
  readonly nodes: readonly CdiNode[];
  readonly mounts: readonly Mount[];
  readonly hooks: readonly { readonly name: (typeof cdiHookNames)[number]; readonly hook: Hook }[];
  readonly groups: readonly number[];
  readonly intelRdt?: IntelRdt;
};

export type CdiSpec = {
  readonly file: string;
  /** vendor/class */
  readonly kind: string;
  readonly edits: CdiEdits;
  readonly devices: ReadonlyMap<string, CdiEdits>;
};

const versions = ['0.3.0', '0.4.0', '0.5.0', '0.6.0', '0.7.0', '0.8.0', '1.0.0', '1.1.0'];
/** SPEC.md, "Kind" and "Device names". */
const kindPattern = /^[A-Za-z](?:[\w.-]*[A-Za-z0-9])?\/[A-Za-z](?:[\w-]*[A-Za-z0-9])?$/;
const namePattern = /^[A-Za-z0-9](?:[\w.:-]*[A-Za-z0-9])?$/;

type Found = { readonly file: string; readonly field: string; readonly value: unknown };

function wrong({ file, field, value }: Found, wanted: string): OnggiError {
  const found = value === undefined ? 'nothing' : (JSON.stringify(value) ?? String(value)).slice(0, 80);
  return new OnggiError('invalid', `CDI specification "${file}": ${field} is ${found}, not ${wanted}`, {
    hint: 'Have the program that wrote it write it again, or remove the file.',
  });
}

/** @throws OnggiError `invalid` */
export function parseCdiSpec(file: string, value: unknown): CdiSpec {
  const root = record({ file, field: 'the file', value }, '', [
    'cdiVersion',
    'kind',
    'annotations',
    'devices',
    'containerEdits',
  ]);
  const version = text(root('cdiVersion'));
  if (!versions.includes(version)) throw wrong(root('cdiVersion'), `one of ${versions.join(', ')}`);
  const kind = text(root('kind'));
  if (!kindPattern.test(kind)) throw wrong(root('kind'), 'VENDOR/CLASS');
  annotations(root('annotations'));
  const devices = new Map<string, CdiEdits>();
  for (const found of list(root('devices'))) {
    const device = record(found, found.field, ['name', 'annotations', 'containerEdits']);
    const name = text(device('name'));
    if (!namePattern.test(name)) throw wrong(device('name'), 'a name of letters, digits, "_", "-", "." and ":"');
    if (devices.has(name)) throw wrong(device('name'), 'a name that no other device of the file has');
    annotations(device('annotations'));
    if (device('containerEdits').value === undefined) throw wrong(device('containerEdits'), 'what the device needs');
    devices.set(name, parseEdits(device('containerEdits')));
  }
  if (devices.size === 0) throw wrong(root('devices'), 'a list of devices');
  return { file, kind, edits: parseEdits(root('containerEdits')), devices };
}

function parseEdits(found: Found): CdiEdits {
  if (found.value === undefined) return { env: [], nodes: [], mounts: [], hooks: [], groups: [] };
  const edits = record(found, found.field, [
    'env',
    'deviceNodes',
    'mounts',
    'hooks',
    'additionalGids',
    'intelRdt',
    'netDevices',
  ]);
  if (edits('netDevices').value !== undefined) throw wrong(edits('netDevices'), 'something that onggi supports');
  const rdt = edits('intelRdt');
  return {
    env: list(edits('env')).map((entry) => {
      if (!/^[^=]+=/.test(text(entry))) throw wrong(entry, 'NAME=VALUE');
      return text(entry);
    }),
    nodes: list(edits('deviceNodes')).map(parseNode),
    mounts: list(edits('mounts')).map(parseMount),
    hooks: list(edits('hooks')).map(parseHook),
    groups: list(edits('additionalGids')).map((entry) => number(entry, 2 ** 32 - 1)),
    ...(rdt.value !== undefined && { intelRdt: parseRdt(rdt) }),
  };
}

function parseNode(found: Found): CdiNode {
  const names = ['path', 'hostPath', 'type', 'major', 'minor', 'fileMode', 'permissions', 'uid', 'gid'];
  const node = record(found, found.field, names);
  const { value: type } = node('type');
  const { value: permissions } = node('permissions');
  if (type !== undefined && type !== '' && type !== 'b' && type !== 'c' && type !== 'u' && type !== 'p')
    throw wrong(node('type'), '"b", "c", "u" or "p"');
  if (permissions !== undefined && !/^[rwm]*$/.test(text(node('permissions'))))
    throw wrong(node('permissions'), 'of r, w and m');
  const given = Object.fromEntries(
    ['major', 'minor', 'fileMode', 'uid', 'gid'].flatMap((name) =>
      node(name).value === undefined ? [] : [[name, number(node(name), name === 'fileMode' ? 0o7777 : 2 ** 32 - 1)]],
    ),
  );
  return {
    path: path(node('path')),
    ...(node('hostPath').value !== undefined && { hostPath: path(node('hostPath')) }),
    ...(typeof type === 'string' && type !== '' && { type: type === 'u' ? 'c' : type }),
    ...(typeof permissions === 'string' && permissions !== '' && { permissions }),
    ...given,
  } as CdiNode;
}

function parseMount(found: Found): Mount {
  const mount = record(found, found.field, ['hostPath', 'containerPath', 'options', 'type']);
  const options = list(mount('options')).map(text);
  const type = mount('type').value === undefined ? '' : text(mount('type'));
  const binds = options.includes('bind') || options.includes('rbind');
  const usual = type === '' || type === 'bind' || type === 'none';
  return {
    source: text(mount('hostPath')),
    destination: path(mount('containerPath')),
    type: usual ? 'bind' : type,
    options: usual && !binds ? ['rbind', ...options] : options,
  };
}

function parseHook(found: Found): CdiEdits['hooks'][number] {
  const hook = record(found, found.field, ['hookName', 'path', 'args', 'env', 'timeout']);
  const name = cdiHookNames.find((known) => known === hook('hookName').value);
  if (name === undefined) throw wrong(hook('hookName'), `one of ${cdiHookNames.join(', ')}`);
  return {
    name,
    hook: {
      path: path(hook('path')),
      ...(hook('args').value !== undefined && { args: list(hook('args')).map(text) }),
      ...(hook('env').value !== undefined && { env: list(hook('env')).map(text) }),
      ...(hook('timeout').value !== undefined && { timeout: number(hook('timeout'), 2_000_000) }),
    },
  };
}

function parseRdt(found: Found): IntelRdt {
  const texts = ['closID', 'l3CacheSchema', 'memBwSchema'];
  const flags = ['enableCMT', 'enableMBM', 'enableMonitoring'];
  const rdt = record(found, found.field, [...texts, ...flags, 'schemata']);
  for (const name of texts) if (rdt(name).value !== undefined) text(rdt(name));
  for (const name of flags) {
    if (![undefined, true, false, 'true', 'false'].includes(rdt(name).value as string | boolean | undefined))
      throw wrong(rdt(name), 'true or false');
  }
  for (const line of list(rdt('schemata'))) text(line);
  return found.value as IntelRdt;
}

/** The fields of an object by name. @throws OnggiError for an unknown one: what a device needs must not be left out */
function record(found: Found, at: string, known: readonly string[]): (name: string) => Found {
  const { file, value } = found;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(found, 'an object');
  const fields = value as Readonly<Record<string, unknown>>;
  const named = (name: string): Found => {
    return {
      file,
      field: at === '' ? name : `${at}.${name}`,
      value: Object.hasOwn(fields, name) ? fields[name] : undefined,
    };
  };
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown !== undefined) throw wrong(named(unknown), 'a field that onggi knows');
  return named;
}

function list(found: Found): Found[] {
  const { file, field, value } = found;
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw wrong(found, 'a list');
  return value.map((item: unknown, index) => ({ file, field: `${field}[${index}]`, value: item }));
}

function text(found: Found): string {
  if (typeof found.value !== 'string' || found.value.includes('\0')) throw wrong(found, 'a text');
  return found.value;
}

function path(found: Found): string {
  if (!text(found).startsWith('/')) throw wrong(found, 'an absolute path');
  return text(found);
}

/** The parser of YAML leaves scalars as they stand; 0666 is octal there, as in version 1.1, which Go's parsers read. */
function scalar(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (/^0o?[0-7]+$/.test(value)) return Number.parseInt(value.replace('o', ''), 8);
  return /^\d{1,15}$/.test(value) ? Number(value) : value;
}

function number(found: Found, most: number): number {
  const value = scalar(found.value);
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw wrong(found, `a number from 0 to ${most}`);
}

function annotations(found: Found): void {
  if (found.value === undefined) return;
  if (typeof found.value !== 'object' || found.value === null || Array.isArray(found.value))
    throw wrong(found, 'an object');
  const texts = Object.values(found.value).every((value) => typeof value === 'string');
  if (!texts) throw wrong(found, 'an object of texts');
}

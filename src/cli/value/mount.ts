/** `--mount type=...,key=value,...` (one CSV record) and `--tmpfs TARGET[:OPTIONS]`. Pure. */
import { posix } from 'node:path';
import type { ImageMount, TmpfsMount, VolumeMount } from '../../engine/types.ts';
import { OnggiError, unsupported } from '../../errors.ts';
import { parseByteSize } from './byte-size.ts';
import { parseAnnotation, parseAssignment, recordOf } from './environment.ts';
import { parseBoolean } from './number.ts';
import { type BindSpec, checkTarget, type Propagation, propagations } from './volume.ts';

const names: Readonly<Record<string, string>> = {
  src: 'source',
  dst: 'target',
  destination: 'target',
  ro: 'readonly',
  readwrite: 'rw',
  u: 'chown',
};
const known = [
  'type',
  'source',
  'target',
  'readonly',
  'consistency',
  'bind-propagation',
  'bind-nonrecursive',
  'bind-recursive',
  'bind-create-src',
  'tmpfs-size',
  'tmpfs-mode',
  'volume-driver',
  'volume-nocopy',
  'volume-subpath',
  'image-subpath',
  'subpath',
  'rw',
  'chown',
  'relabel',
];
/** May be written several times. */
const lists = ['volume-label', 'volume-opt'];

/** A field alone says yes. */
const switches = ['readonly', 'rw', 'volume-nocopy', 'bind-nonrecursive', 'bind-create-src', 'chown'];

type Fields = ReadonlyMap<string, readonly string[]>;

/** @throws OnggiError `invalid`, or `unsupported` for types and options that are not there yet */
export function parseMount(text: string): BindSpec | TmpfsMount | VolumeMount | ImageMount {
  const all = parseFields(text);
  // The last one counts.
  const fields = new Map([...all].map(([key, values]) => [key, values.at(-1) ?? '']));
  const type = (fields.get('type') ?? 'volume').toLowerCase();
  const target = fields.get('target');
  if (type !== 'bind' && type !== 'tmpfs' && type !== 'volume' && type !== 'image') {
    if (['npipe', 'cluster'].includes(type)) throw unsupported(`mount of type '${type}'`);
    throw new OnggiError('invalid', `mount type unknown: '${type}'`);
  }
  if (target === undefined) throw new OnggiError('invalid', 'target is required');
  checkTarget(target);
  const readOnly = parseBoolean(fields.get('readonly') ?? 'false');
  const foreign = [...fields.keys()].find(
    (key) => /^(?:bind|image|tmpfs|volume)-/.test(key) && !key.startsWith(`${type}-`),
  );
  if (foreign !== undefined) throw new OnggiError('invalid', `cannot mix '${foreign}' with mount type '${type}'`);
  const ofImages = ['rw', 'subpath'].find((key) => fields.has(key));
  if (type === 'image' || type === 'tmpfs') checkNotFor(type, fields, ['chown', 'relabel']);
  if (type === 'image') return imageOf(fields, target);
  if (ofImages !== undefined) throw new OnggiError('invalid', `cannot mix '${ofImages}' with mount type '${type}'`);
  if (type === 'volume') return volumeOf(fields, all, target, readOnly);
  return type === 'bind' ? bindOf(fields, target, readOnly) : tmpfsOf(fields, target, readOnly);
}

function checkNotFor(type: string, fields: ReadonlyMap<string, string>, keys: readonly string[]): void {
  const key = keys.find((each) => fields.has(each));
  if (key !== undefined) throw new OnggiError('invalid', `cannot mix '${key}' with mount type '${type}'`);
}

/** Podman's `U=true`: it is given to the container's user. */
function chownOf(fields: ReadonlyMap<string, string>): { readonly chown?: true } {
  return parseBoolean(fields.get('chown') ?? 'false') ? { chown: true } : {};
}

/** Podman's word for `z` and `Z`. */
function relabelOf(fields: ReadonlyMap<string, string>): { readonly relabel?: 'shared' | 'private' } {
  const relabel = fields.get('relabel');
  if (relabel === undefined) return {};
  if (relabel === 'shared' || relabel === 'private') return { relabel };
  throw new OnggiError('invalid', `invalid value for relabel: ${relabel} (must be "shared" or "private")`);
}

function volumeOf(fields: ReadonlyMap<string, string>, all: Fields, target: string, readOnly: boolean): VolumeMount {
  const [name, subpath] = [fields.get('source'), checkedSubpath(fields.get('volume-subpath') ?? '')];
  if (subpath !== '' && (name ?? '') === '') {
    throw new OnggiError('invalid', `subpath '${subpath}' of a volume without a name: a new one has nothing in it`);
  }
  const driver = fields.get('volume-driver') ?? 'local';
  if (driver !== 'local') throw unsupported(`volume driver '${driver}'`);
  const options = (all.get('volume-opt') ?? []).map(parseAssignment);
  const labels = (all.get('volume-label') ?? []).map(parseAnnotation);
  return {
    type: 'volume',
    ...(name !== undefined && name !== '' && { name }),
    target,
    readOnly,
    copy: !parseBoolean(fields.get('volume-nocopy') ?? 'false'),
    ...(subpath !== '' && { subpath }),
    ...(options.length > 0 && { options: recordOf(options) }),
    ...(labels.length > 0 && { labels: recordOf(labels) }),
    ...chownOf(fields),
    ...relabelOf(fields),
  };
}

/** Docker's can't be written to; Podman's can with `rw`. */
function imageOf(fields: ReadonlyMap<string, string>, target: string): ImageMount {
  const source = fields.get('source') ?? '';
  if (source === '') throw new OnggiError('invalid', 'source is required for an image mount');
  // Podman's `subpath` may begin with a slash.
  const subpath = checkedSubpath(fields.get('image-subpath') ?? fields.get('subpath')?.replace(/^\/+/, '') ?? '');
  const writable = parseBoolean(fields.get('rw') ?? 'false') || fields.get('readonly') === 'false';
  return { type: 'image', source, target, readOnly: !writable, ...(subpath !== '' && { subpath }) };
}

/** Links are looked at when it is mounted. @throws OnggiError `invalid` for what leads out by its letters alone */
function checkedSubpath(text: string): string {
  if (posix.isAbsolute(text) || /^\.\.(?:\/|$)/.test(posix.normalize(text))) {
    throw new OnggiError('invalid', `subpath '${text}' must be a relative path within what is mounted`);
  }
  return text;
}

function bindOf(fields: ReadonlyMap<string, string>, target: string, readOnly: boolean): BindSpec {
  const source = fields.get('source');
  if (source === undefined) throw new OnggiError('invalid', 'source is required for a bind mount');
  if (!/^[/.]/.test(source)) {
    throw new OnggiError('invalid', `invalid mount path: '${source}' mount path must be absolute`);
  }
  return {
    type: 'bind',
    source,
    target,
    readOnly,
    propagation: parsePropagation(fields.get('bind-propagation')?.toLowerCase() ?? 'rprivate'),
    mustExist: !parseBoolean(fields.get('bind-create-src') ?? 'false'),
    ...submountsOf(fields, readOnly),
    ...chownOf(fields),
    ...relabelOf(fields),
  };
}

/** Docker's conditions (cli, opts/mount.go). */
function submountsOf(fields: ReadonlyMap<string, string>, readOnly: boolean): Pick<BindSpec, 'submounts'> {
  const word = fields.get('bind-recursive');
  const none = parseBoolean(fields.get('bind-nonrecursive') ?? 'false');
  if (none && word !== undefined && word !== 'disabled' && word !== 'enabled') {
    throw new OnggiError('invalid', `cannot mix 'bind-nonrecursive' with 'bind-recursive=${word}'`);
  }
  const needs = (option: string): OnggiError =>
    new OnggiError('invalid', `option 'bind-recursive=${word}' requires '${option}' to be specified in conjunction`);
  if (none || word === 'disabled') return { submounts: 'none' };
  if (word === undefined || word === 'enabled') return {};
  if (word !== 'writable' && word !== 'readonly') {
    throw new OnggiError(
      'invalid',
      `invalid value for bind-recursive: ${word} (must be "enabled", "disabled", "writable", or "readonly")`,
    );
  }
  if (!readOnly) throw needs('readonly');
  if (word === 'writable') return { submounts: 'writable' };
  if (fields.get('bind-propagation')?.toLowerCase() !== 'rprivate') throw needs('bind-propagation=rprivate');
  return {};
}

function parsePropagation(text: string): Propagation {
  const found = propagations.find((propagation) => propagation === text);
  if (found === undefined) throw new OnggiError('invalid', `invalid value for bind-propagation: ${text}`);
  return found;
}

function tmpfsOf(fields: ReadonlyMap<string, string>, target: string, readOnly: boolean): TmpfsMount {
  if (fields.has('source')) throw new OnggiError('invalid', 'a tmpfs mount has no source');
  const size = fields.get('tmpfs-size');
  const mode = fields.get('tmpfs-mode');
  if (mode !== undefined && !/^[0-7]{1,5}$/.test(mode)) {
    throw new OnggiError('invalid', `invalid value for tmpfs-mode: ${mode}`);
  }
  const options = [
    ...(readOnly ? ['ro'] : []),
    ...(size === undefined ? [] : [`size=${parseByteSize(size)}`]),
    ...(mode === undefined ? [] : [`mode=${mode}`]),
  ];
  return { type: 'tmpfs', target, options: options.join(',') };
}

function parseFields(text: string): Map<string, readonly string[]> {
  const fields = new Map<string, readonly string[]>();
  for (const field of parseRecord(text)) {
    const equals = field.indexOf('=');
    const written = (equals < 0 ? field : field.slice(0, equals)).toLowerCase();
    const key = names[written] ?? written;
    if (equals < 0 && !switches.includes(key)) {
      throw new OnggiError('invalid', `invalid field '${field}' must be a key=value pair`);
    }
    if (!known.includes(key) && !lists.includes(key))
      throw new OnggiError('invalid', `unexpected key '${key}' in '${field}'`);
    fields.set(key, [...(fields.get(key) ?? []), equals < 0 ? 'true' : field.slice(equals + 1)]);
  }
  return fields;
}

/** The fields of one CSV record (RFC 4180): a field in double quotes may contain commas and doubled quotes. */
function parseRecord(text: string): string[] {
  const fields: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (;;) {
    const match = field.exec(text);
    if (match === null) throw new OnggiError('invalid', `'${text}' is not one line of comma-separated values`);
    fields.push(match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'));
    if (match[3] === '') return fields;
  }
}

/** @throws OnggiError `invalid` */
export function parseTmpfs(text: string): TmpfsMount {
  const colon = text.indexOf(':');
  const target = colon < 0 ? text : text.slice(0, colon);
  checkTarget(target);
  return { type: 'tmpfs', target, options: colon < 0 ? '' : text.slice(colon + 1) };
}

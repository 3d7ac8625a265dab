/** One entry of a tar archive, put together from its header block and the extended headers before it. Pure. */
import { OnggiError, unsupported } from '../errors.ts';
import { type PaxRecords, parseDecimal, parseTime } from './pax.ts';
import type { SparseStart } from './sparse.ts';
import type { TarHeader } from './tar-header.ts';

export type TarEntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'character' | 'block' | 'fifo';

export type TarEntry = {
  readonly type: TarEntryType;
  /** As written: may be absolute or contain "..", has no NUL. */
  readonly name: Buffer;
  /** Target of a link, else empty. */
  readonly linkName: Buffer;
  /** Permission and set-id bits, 07777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of the file, with its holes if it is sparse; 0 but for files. */
  readonly size: number;
  /** Nanoseconds count forward from `seconds`, which may be negative. */
  readonly modified: { readonly seconds: number; readonly nanoseconds: number };
  readonly major: number;
  readonly minor: number;
  /** Extended attributes by name (records SCHILY.xattr.*). */
  readonly attributes: ReadonlyMap<string, Buffer>;
};

export type TarLimits = {
  readonly entries: number;
  /** Bytes of one name or link target (PATH_MAX is 4096). */
  readonly name: number;
  /** Bytes of one pax header. */
  readonly pax: number;
  /** Bytes of all content. */
  readonly content: number;
};

export const defaultTarLimits: TarLimits = {
  entries: 5_000_000,
  name: 4095,
  pax: 1024 * 1024,
  content: 512 * 1024 ** 3,
};

/** What came before the header block of the entry and changes what it says. */
export type Extensions = {
  readonly longName: Buffer | undefined;
  readonly longLink: Buffer | undefined;
  readonly pax: PaxRecords | undefined;
  readonly globalPax: PaxRecords;
};

const entryTypes: Readonly<Record<string, TarEntryType>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};

const noAttributes: ReadonlyMap<string, Buffer> = new Map();

/** @property stored bytes of content in the archive: the map of a sparse file and its segments, else the file's */
export type FoundEntry = { readonly entry: TarEntry; readonly stored: number };

/**
 * @param sparse what the header or the pax records say of a sparse file
 * @throws OnggiError `corrupt`, `unsupported`, `exhausted` (a limit)
 */
export function entryOf(
  extensions: Extensions,
  found: TarHeader,
  sparse: SparseStart | undefined,
  limits: TarLimits,
): FoundEntry {
  const pax = extensions.pax;
  const record = (key: string): Buffer | undefined => pax?.get(key) ?? extensions.globalPax.get(key);
  const decimal = (key: string, otherwise: number): number => {
    const value = record(key);
    return value === undefined || value.length === 0 ? otherwise : parseDecimal(key, value);
  };
  const name = sparse?.name ?? pax?.get('path') ?? extensions.longName ?? found.name;
  const type = typeOf(found, name);
  const linkName = pax?.get('linkpath') ?? extensions.longLink ?? found.linkName;
  const isLink = type === 'symlink' || type === 'hardlink';
  checkName('name', name, limits);
  if (isLink) checkName('link target', linkName, limits);
  const time = record('mtime');
  // Sizes of other types say nothing: no content follows them (as in Go's archive/tar, "isHeaderOnly").
  const stored = type === 'file' ? decimal('size', found.size) : 0;
  const size = type === 'file' ? (sparse?.size ?? stored) : 0;
  if (size < 0 || stored < 0) throw new OnggiError('corrupt', `tar archive: entry "${name.toString()}": negative size`);
  const entry: TarEntry = {
    type,
    name,
    linkName: isLink ? linkName : Buffer.alloc(0),
    mode: found.mode & 0o7777,
    uid: owner('uid', decimal('uid', found.uid)),
    gid: owner('gid', decimal('gid', found.gid)),
    size,
    modified:
      time === undefined || time.length === 0
        ? { seconds: found.modified, nanoseconds: 0 }
        : parseTime(time.toString('latin1')),
    major: found.major,
    minor: found.minor,
    attributes: pax === undefined && extensions.globalPax.size === 0 ? noAttributes : attributesOf(extensions),
  };
  return { entry, stored };
}

function typeOf(found: TarHeader, name: Buffer): TarEntryType {
  const type = entryTypes[found.type];
  if (type === undefined) {
    throw unsupported(`type "${found.type}" of entry "${name.toString().slice(0, 300)}" in a tar archive`);
  }
  // V7 has no type for directories but a slash at the end.
  return found.type === '\0' && name.at(-1) === 0x2f ? 'directory' : type;
}

function checkName(what: string, name: Buffer, limits: TarLimits): void {
  if (name.length === 0) throw new OnggiError('corrupt', `tar archive: empty ${what}`);
  if (name.length > limits.name) throw over(`${what} of ${name.length} bytes`, limits.name);
  if (name.includes(0)) throw new OnggiError('corrupt', `tar archive: ${what} with a NUL`);
}

/** The kernel's ids have 32 bits, and -1 means "leave it" to chown(2). */
function owner(what: string, id: number): number {
  if (id < 0 || id >= 0xffff_ffff) throw new OnggiError('corrupt', `tar archive: ${what} ${id} is out of range`);
  return id;
}

const attributePrefix = 'SCHILY.xattr.';

function attributesOf(extensions: Extensions): ReadonlyMap<string, Buffer> {
  const attributes = new Map<string, Buffer>();
  for (const records of [extensions.globalPax, extensions.pax ?? noAttributes]) {
    for (const [key, value] of records) {
      if (key.startsWith(attributePrefix)) attributes.set(key.slice(attributePrefix.length), value);
    }
  }
  return attributes;
}

export function over(what: string, limit: number): OnggiError {
  return new OnggiError('exhausted', `tar archive: ${what}: the limit is ${limit}`);
}

/**
 * The files of a tar archive, found by one walk over its headers and read where they lie. Names are looked up in the
 * archive alone: links in it lead to other names of the archive, never to the machine.
 */
import { readSync } from 'node:fs';
import { posix } from 'node:path';
import { fromSystemError, OnggiError } from '../errors.ts';
import { readTar, type TarReader } from '../image/tar.ts';
import { defaultTarLimits, type TarEntry } from '../image/tar-entry.ts';
import { type Files, readRange, readWhole } from './files.ts';

type Member =
  | { readonly type: 'file'; readonly offset: number; readonly size: number }
  | { readonly type: 'link'; readonly target: string };

/** An archive of images has some files for each layer. */
const maxMembers = 100_000;
/** Links behind links. */
const maxLinks = 10;

/**
 * @param file a regular file, uncompressed; stays the caller's until the result is disposed of, which closes it
 * @throws OnggiError `corrupt`, `unsupported`, `exhausted` (limits)
 */
export function archiveFiles(file: Disposable & { readonly fd: number; readonly size: number }, what: string): Files {
  const members = membersOf(file.fd, file.size, what);
  const find = (path: string): Extract<Member, { type: 'file' }> | undefined => {
    let at = normal(path);
    for (let links = 0; at !== undefined && links <= maxLinks; links += 1) {
      const member: Member | undefined = members.get(at);
      if (member === undefined || member.type === 'file') return member;
      at = normal(member.target);
    }
    throw new OnggiError('corrupt', `${what}: "${path.slice(0, 300)}" leads out of the archive or in circles`);
  };
  const must = (path: string) => {
    const found = find(path);
    if (found !== undefined) return found;
    throw new OnggiError('not-found', `${what}: no file "${path.slice(0, 300)}" in it`);
  };
  const nameOf = (path: string) => `"${path}" of ${what}`;
  return {
    what,
    size: (path) => find(path)?.size,
    async read(path, limit) {
      const { offset, size } = must(path);
      return await readWhole(readRange(file.fd, offset, size, nameOf(path)), size, limit, nameOf(path));
    },
    async *stream(path, signal) {
      const { offset, size } = must(path);
      yield* readRange(file.fd, offset, size, nameOf(path), signal);
    },
    [Symbol.dispose]: () => file[Symbol.dispose](),
  };
}

/** Undefined for a path that climbs out. Absolute paths begin at the root of the archive. */
function normal(path: string): string | undefined {
  const clean = posix.normalize(path).replace(/^\/+/, '').replace(/\/+$/, '');
  return clean === '..' || clean.startsWith('../') ? undefined : clean;
}

/** Content is passed over without being read: `left` bytes follow a header. */
function membersOf(fd: number, size: number, what: string): ReadonlyMap<string, Member> {
  const members = new Map<string, Member>();
  let position = 0;
  let last: TarEntry | undefined;
  const reader = readTar(
    {
      entry(entry) {
        last = entry;
        const name = normal(entry.name.toString());
        if (name === undefined) throw new OnggiError('corrupt', `${what}: a name that climbs out: "${entry.name}"`);
        const member = memberOf(entry, name, position);
        if (member !== undefined) members.set(name, member);
        else members.delete(name);
      },
      content() {},
      end() {},
    },
    { ...defaultTarLimits, entries: maxMembers },
  );
  const block = Buffer.alloc(512);
  while (position + block.length <= size) {
    readBlock(fd, block, position, what);
    position += block.length;
    last = undefined;
    writeHeader(reader, block, what);
    const left = reader.skippable();
    if (left === 0) continue;
    if (position + left > size) {
      throw new OnggiError('corrupt', `${what}: cut off inside "${(last as TarEntry | undefined)?.name ?? ''}"`);
    }
    reader.skip(left);
    position += left;
  }
  if (!reader.finish()) throw new OnggiError('corrupt', `${what}: no tar archive, or cut off: its end mark is missing`);
  if (members.size === 0) throw new OnggiError('corrupt', `${what}: an empty archive`);
  return members;
}

/** What is wrong with a header, named by its archive. */
function writeHeader(reader: TarReader, block: Buffer, what: string): void {
  try {
    reader.write(block);
  } catch (error) {
    if (!(error instanceof OnggiError) || error.message.startsWith(what)) throw error;
    throw new OnggiError(error.code, `${what}: ${error.message}`, { cause: error });
  }
}

function memberOf(entry: TarEntry, name: string, offset: number): Member | undefined {
  switch (entry.type) {
    case 'file':
      return { type: 'file', offset, size: entry.size };
    case 'hardlink':
      return { type: 'link', target: entry.linkName.toString() };
    case 'symlink':
      return { type: 'link', target: posix.resolve('/', posix.dirname(name), entry.linkName.toString()) };
    default:
      return undefined;
  }
}

function readBlock(fd: number, block: Buffer, position: number, what: string): void {
  try {
    let length = 0;
    while (length < block.length) {
      const count = readSync(fd, block, length, block.length - length, position + length);
      if (count === 0) throw new OnggiError('corrupt', `${what}: cut off`);
      length += count;
    }
  } catch (error) {
    throw fromSystemError(error, `read ${what}`);
  }
}

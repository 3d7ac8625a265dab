/**
 * Bytes of a tar archive out of entries of directories. The content of files is read as it comes; a file that
 * shrinks or grows meanwhile is filled up with zeros or cut, for its size has been written already (as with GNU tar).
 */
import { readSync } from 'node:fs';
import { fromSystemError } from '../errors.ts';
import type { Descriptor } from '../kernel/descriptor.ts';
import { type EntryFacts, listAttributes, openEntryFile, readAttribute, readLink } from '../kernel/entry-facts.ts';
import { attributeFate } from './entry-path.ts';
import type { Place } from './place.ts';
import type { TarEntry } from './tar-entry.ts';
import { encodeHeader, endOfArchive, paddingOf } from './tar-write.ts';

/** An entry, and for a file with content where that is; `place` is good until the next one is asked for. */
export type ArchiveEntry = { readonly entry: TarEntry; readonly content: Place | null };

/** Each piece is a turn of the event loop for whoever takes it. */
const pieceSize = 1024 * 1024;

/**
 * The archive with its end mark, in pieces of up to a mebibyte. A piece is good until the next one is asked for.
 * @throws OnggiError what `entries` throws, `unsupported`, or the code of the errno
 */
export function* archiveBytes(entries: Iterable<ArchiveEntry>): Generator<Buffer, void, undefined> {
  const room = Buffer.allocUnsafe(pieceSize);
  let used = 0;
  function* put(bytes: Buffer): Generator<Buffer, void, undefined> {
    if (used + bytes.length > room.length) {
      yield room.subarray(0, used);
      used = 0;
    }
    if (bytes.length > room.length) yield bytes;
    else used += bytes.copy(room, used);
  }
  for (const { entry, content } of entries) {
    // Opened first: what has become something else meanwhile, or has gone, leaves no header behind.
    using file = content === null ? undefined : openIfStill(content);
    if (content !== null && file === undefined) continue;
    yield* put(encodeHeader(entry));
    if (file === undefined) continue;
    for (let left = entry.size; left > 0; ) {
      if (used === room.length) {
        yield room;
        used = 0;
      }
      const wanted = Math.min(left, room.length - used);
      const came = readPiece(file, room, used, wanted);
      if (came === 0) room.fill(0, used, used + wanted);
      const taken = came === 0 ? wanted : came;
      used += taken;
      left -= taken;
    }
    yield* put(Buffer.alloc(paddingOf(entry.size)));
  }
  yield* put(endOfArchive);
  yield room.subarray(0, used);
}

function openIfStill({ parent, name }: Place): Descriptor | undefined {
  try {
    return openEntryFile(parent, name);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Somebody else has removed or replaced it between two looks. */
function isGone(error: unknown): boolean {
  const { code } = fromSystemError(error, 'open');
  return code === 'not-found' || code === 'invalid';
}

function readPiece(file: Descriptor, into: Buffer, offset: number, length: number): number {
  try {
    return readSync(file.fd, into, offset, length, null);
  } catch (error) {
    throw fromSystemError(error, 'read a file of a container');
  }
}

/**
 * What a tar says of an entry; undefined for a socket, which is nothing without its listener (as in GNU tar), and for
 * what has just gone.
 * @param first name under which the same inode came before, for a hard link
 * @param attributes names of those that it has, from somebody who has asked already
 */
export function tarEntryOf(
  facts: EntryFacts,
  place: Place,
  name: Buffer,
  first: Buffer | null,
  attributes?: readonly string[],
): TarEntry | undefined {
  if (facts.kind === 'socket') return undefined;
  try {
    const type = first === null ? facts.kind : 'hardlink';
    return {
      type,
      name,
      linkName: first ?? (facts.kind === 'symlink' ? readLink(place.parent, place.name) : noBytes),
      mode: facts.mode,
      uid: facts.uid,
      gid: facts.gid,
      size: type === 'file' ? facts.size : 0,
      modified: facts.modified,
      major: facts.major,
      minor: facts.minor,
      attributes: type === 'hardlink' ? noAttributes : attributesOf(place, attributes),
    };
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

const noBytes = Buffer.alloc(0);
const noAttributes: ReadonlyMap<string, Buffer> = new Map();

/** Those that unpacking sets again (`attributeFate`); others belong to this machine or to overlayfs. */
function attributesOf({ parent, name }: Place, listed?: readonly string[]): ReadonlyMap<string, Buffer> {
  const names = (listed ?? listAttributes(parent, name)).filter((attribute) => attributeFate(attribute) === 'set');
  if (names.length === 0) return noAttributes;
  const found = new Map<string, Buffer>();
  for (const attribute of names) {
    const value = readAttribute(parent, name, attribute);
    if (value !== undefined) found.set(attribute, value);
  }
  return found;
}

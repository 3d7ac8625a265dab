/**
 * Files into a tar archive, one behind the other: who comes while another one is written waits. Times, owners and
 * order of what is not awaited in turn apart, the same files give the same archive.
 */
import { lstatSync, renameSync, rmSync } from 'node:fs';
import { OnggiError } from '../errors.ts';
import { encodeHeader, endOfArchive, paddingOf } from '../image/tar-write.ts';
import { statIfThere } from '../kernel/stat-file.ts';
import { closeFile, openFile, type Sink, syncFile, writeAll, writeSized } from './sink.ts';

/** Where an archive goes: a path, or a descriptor that is open and stays the caller's (standard output). */
export type ArchiveTarget = { readonly path: string } | { readonly fd: number; readonly name: string };

/**
 * A path gets its name at the end, so that nobody finds half an archive there; what is no regular file (a FIFO, a
 * device) is written to directly.
 * @throws OnggiError `denied`, `not-found` (directory), `invalid` (a directory)
 */
export async function archiveSink(target: ArchiveTarget): Promise<Sink> {
  const out = 'fd' in target ? borrowed(target) : await openTarget(target.path);
  const { fd, what } = out;
  const names = new Set<string>();
  let turn: Promise<unknown> = Promise.resolve();
  let broken = false;
  const putNow = async (path: string, size: number, bytes: AsyncIterable<Uint8Array>): Promise<void> => {
    if (broken) throw new OnggiError('cancelled', `write ${what}: given up after an error`);
    if (names.has(path)) return;
    broken = true;
    await writeAll(fd, headerOf(path, size), what);
    await writeSized(fd, size, bytes, `"${path}" into ${what}`);
    await writeAll(fd, Buffer.alloc(paddingOf(size)), what);
    broken = false;
    names.add(path);
  };
  return {
    what,
    has: (path) => names.has(path),
    put(path, size, bytes) {
      const done = turn.then(() => putNow(path, size, bytes));
      turn = done.catch(() => {});
      return done;
    },
    async finish() {
      await turn;
      await writeAll(fd, endOfArchive, what);
      await out.finish();
    },
    [Symbol.asyncDispose]: () => out[Symbol.asyncDispose](),
  };
}

type Out = AsyncDisposable & { readonly fd: number; readonly what: string; finish(): Promise<void> };

function borrowed({ fd, name }: { readonly fd: number; readonly name: string }): Out {
  return { fd, what: name, finish: async () => {}, [Symbol.asyncDispose]: async () => {} };
}

async function openTarget(path: string): Promise<Out> {
  const what = `archive "${path}"`;
  const direct = isWrittenDirectly(path, what);
  const name = direct ? path : `${path}.${process.pid}.tmp`;
  const fd = await openFile(name, direct ? 'w' : 'wx', 0o600, what);
  let open = true;
  const close = async (): Promise<void> => {
    if (open) await closeFile(fd);
    open = false;
  };
  return {
    fd,
    what,
    async finish() {
      if (!direct) await syncFile(fd, what);
      await close();
      if (!direct) renameSync(name, path);
    },
    async [Symbol.asyncDispose]() {
      const unfinished = open && !direct;
      await close();
      if (unfinished) rmSync(name, { force: true });
    },
  };
}

/**
 * A pipe or a device is written to as it is, also by a link such as /dev/stdout. A link of somebody else's could lead
 * anywhere: the archive takes its place, as that of a file.
 */
function isWrittenDirectly(path: string, what: string): boolean {
  const found = statIfThere(path);
  if (found?.isDirectory()) throw new OnggiError('invalid', `write ${what}: it is a directory`);
  if (found === undefined || found.isFile()) return false;
  const own = lstatSync(path);
  return !own.isSymbolicLink() || own.uid === 0 || own.uid === process.geteuid?.();
}

const noBytes = Buffer.alloc(0);

function headerOf(path: string, size: number): Buffer {
  return encodeHeader({
    type: 'file',
    name: Buffer.from(path),
    linkName: noBytes,
    mode: 0o644,
    uid: 0,
    gid: 0,
    size,
    modified: { seconds: 0, nanoseconds: 0 },
    major: 0,
    minor: 0,
    attributes: new Map(),
  });
}

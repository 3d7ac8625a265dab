/** State directories: `<root>/<id>` with state.json, config.json and the lock. Acts. */
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';
import { type Guard, lock, tryLock } from '../kernel/lock.ts';
import { exists, makeDirectory, makeFile, makeLink, removeIfThere, renameFile } from '../kernel/plain-file.ts';
import { directoryKind, ownershipOf } from '../kernel/text-file.ts';
import type { ContainerPaths } from './paths.ts';
import { encodeState, type StateRecord } from './state.ts';
import { checkRoot, noSuchContainer, tryReadState } from './state-file.ts';

/**
 * Makes the state directory of a container that is about to be made. One that was begun and never recorded, because
 * its maker was killed, is taken over.
 *
 * @returns the lock on the container, which the caller lets go
 * @throws OnggiError `exists`
 */
export async function makeStateDirectory(root: string, id: string, paths: ContainerPaths): Promise<Guard> {
  const tried = `make the state directory "${paths.directory}"`;
  makeRoot(root);
  try {
    makeDirectory(paths.directory, 0o700);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw fromSystemError(error, tried);
    if (!isStateDirectory(paths) || tryReadState(paths) !== undefined) throw idExists(id);
    if ((await import('./lost.ts')).leavesProcesses(paths)) throw idExists(id);
  }
  const guard = tryLock(paths.lock, 'exclusive');
  if (guard === undefined) throw idExists(id);
  if (tryReadState(paths) === undefined) return guard;
  guard[Symbol.dispose]();
  throw idExists(id);
}

/** Not what a link leads to, and nothing that another user has put there. */
export function isStateDirectory({ directory }: ContainerPaths): boolean {
  const found = ownershipOf(directory);
  return found?.kind === directoryKind && found.uid === process.geteuid?.();
}

function idExists(id: string): OnggiError {
  return new OnggiError('exists', `container with given ID already exists: "${id}"`, {
    hint: 'Choose another ID, or delete that container.',
  });
}

function makeRoot(root: string): void {
  if (exists(root)) {
    checkRoot(root);
    return;
  }
  const { chmodSync, mkdirSync } = process.getBuiltinModule('node:fs');
  try {
    if (mkdirSync(root, { recursive: true, mode: 0o700 }) === undefined) {
      checkRoot(root);
      return;
    }
    // The sticky bit keeps the cleaner of XDG_RUNTIME_DIR away (XDG base directory specification).
    if (process.getuid?.() !== 0) chmodSync(root, 0o1700);
  } catch (error) {
    throw fromSystemError(error, `make the root directory "${root}"`);
  }
}

/** Waits for whoever changes the container now. @throws OnggiError `not-found` */
export async function lockContainer(id: string, paths: ContainerPaths): Promise<Guard> {
  try {
    return await lock(paths.lock, 'exclusive');
  } catch (error) {
    if (error instanceof OnggiError && error.code === 'not-found') throw noSuchContainer(id);
    throw error;
  }
}

export function writeState(paths: ContainerPaths, record: StateRecord, _guard: Guard): void {
  const text = encodeState(record);
  replaceFile(paths.state, text, 0o600);
  if (record.init !== null) copyState(paths.copy, text, record);
}

/** What runs can be ended also when the file has become unreadable (lost.ts). */
function copyState(path: string, text: string, record: StateRecord): void {
  try {
    replaceExisting(path, () => makeLink(text, path));
  } catch (error) {
    const tooLong = errnoOf(error) === 'ENAMETOOLONG' && Object.keys(record.annotations).length > 0;
    // With a thousand cgroups even that is too long: it goes without.
    if (tooLong) copyState(path, encodeState({ ...record, annotations: {} }), { ...record, annotations: {} });
    else if (errnoOf(error) !== 'ENAMETOOLONG') throw fromSystemError(error, `write "${path}"`);
  }
}

/** The file is there with the new content or as it was before; nobody sees a part of it. */
export function replaceFile(path: string, content: string, mode: number): void {
  const fresh = `${path}.${process.pid}.new`;
  try {
    // Not O_TRUNC on what somebody may have put there.
    replaceExisting(fresh, () => makeFile(fresh, content, mode));
    renameFile(fresh, path);
  } catch (error) {
    removeIfThere(fresh);
    throw fromSystemError(error, `write "${path}"`);
  }
}

function replaceExisting(path: string, make: () => void): void {
  try {
    make();
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    removeIfThere(path);
    make();
  }
}

/** Names of the containers below a root, in alphabetical order; none when there is no such directory. */
export function listContainers(root: string): string[] {
  const { readdirSync } = process.getBuiltinModule('node:fs');
  checkRoot(root);
  try {
    const entries = readdirSync(root, { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fromSystemError(error, `list the containers of "${root}"`);
  }
}

/** Idempotent. Cut off in the middle, it leaves a container that is still recorded. */
export function removeStateDirectory(paths: ContainerPaths, _guard: Guard): void {
  const { directory, state, lock: _lock, ...others } = paths;
  try {
    for (const path of Object.values(others)) removeIfThere(path);
    removeIfThere(state);
    removeIfThere(directory);
  } catch (error) {
    throw fromSystemError(error, `remove the state directory "${directory}"`);
  }
}

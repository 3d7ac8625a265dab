/** What is recorded in a state directory, looked up; written in state-directory.ts. Acts. */
import { OnggiError } from '../errors.ts';
import { directoryKind, missing, ownershipOf, readTextIfThere } from '../kernel/text-file.ts';
import type { ContainerPaths } from './paths.ts';
import { decodeState, type StateRecord } from './state.ts';

/** The words that engines look for in the log of a runtime, to tell a container that is gone from a failure. */
export function noSuchContainer(id: string): OnggiError {
  return new OnggiError('not-found', `container "${id}" does not exist`);
}

/** @throws OnggiError `not-found`, `corrupt` */
export function readState(id: string, paths: ContainerPaths): StateRecord {
  const found = tryReadState(paths);
  if (found === undefined) throw noSuchContainer(id);
  return found;
}

/**
 * @throws OnggiError `corrupt`; `denied` for the directory of another user: a record says which processes are killed,
 * which cgroups are removed and which hooks are run
 */
export function tryReadState(paths: ContainerPaths): StateRecord | undefined {
  checkRoot(paths.directory.slice(0, paths.directory.lastIndexOf('/')));
  const found = ownershipOf(paths.directory);
  if (found?.kind !== directoryKind) return undefined;
  if (found.uid !== process.geteuid?.()) {
    throw new OnggiError('denied', `state directory "${paths.directory}": it belongs to user ${found.uid}`, {
      hint: 'Containers are for the user who made them; look at them as that user.',
    });
  }
  const text = readTextIfThere(paths.state, missing, `read the state "${paths.state}"`);
  if (text === undefined) return undefined;
  return decodeState(text, paths.state);
}

/**
 * Records that somebody else could write would name processes to be signalled and cgroups to be removed (THREATS, class
 * O). A root that is missing is fine: nothing is recorded there.
 *
 * @throws OnggiError `denied`
 */
export function checkRoot(root: string): void {
  const found = ownershipOf(root);
  if (found === undefined) return;
  const mode = found.mode.toString(8);
  const directory = found.kind === directoryKind;
  // A group of one's own is as good as oneself: with it many a user's umask is 002. In a sticky directory, as /tmp is,
  // nobody can touch the directories of others, and those of others are told by their owner.
  const others = (found.mode & 0o1000) !== 0 ? 0 : found.gid === process.getegid?.() ? 0o002 : 0o022;
  const trusted = found.uid === process.geteuid?.() || found.uid === 0;
  if (directory && trusted && (found.mode & others) === 0) return;
  const what = directory ? `its owner is ${found.uid}, its mode ${mode}: others could change it` : 'it is no directory';
  throw new OnggiError('denied', `root directory "${root}": ${what}`, {
    hint: 'Name a directory that only you can write to with --root, or set XDG_RUNTIME_DIR to yours.',
  });
}

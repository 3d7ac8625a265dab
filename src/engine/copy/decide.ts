/** Where a copy goes and what it is called there, by the rules of `docker cp` (and cp(1)). Pure. */
import { posix } from 'node:path';
import { OnggiError } from '../../errors.ts';
import { type EntryPath, parentOf, rootPath } from '../../image/entry-path.ts';

/** What is at a path: nothing, where `kind` is null. */
export type Found = { readonly path: EntryPath; readonly kind: string | null };

/** A path as it was written. */
export type AskedPath = {
  /** Absolute, cleaned. */
  readonly path: EntryPath;
  /** It ends with "/" or "/.". */
  readonly directory: boolean;
  /** It ends with "/.", or is the root: what is in the directory is meant, not the directory. */
  readonly contents: boolean;
  readonly shown: string;
};

/** A relative path starts at the root. @throws OnggiError `invalid` */
export function askedPath(text: string): AskedPath {
  if (text === '') throw new OnggiError('invalid', 'the path is empty');
  const clean = posix.normalize(`/${text}`).replace(/\/$/, '').slice(1);
  const path = Buffer.from(clean).toString('latin1') as EntryPath;
  const dot = /(?:^|\/)\.$/.test(text);
  return { path, directory: dot || text.endsWith('/'), contents: dot || path === rootPath, shown: text };
}

export type Placement = {
  /** The directory that it goes to; whether it is there is still to be seen. */
  readonly below: EntryPath;
  /** "": what is in the source goes right there. */
  readonly name: EntryPath;
};

/** @throws OnggiError `invalid`, `conflict` in Docker's words (moby, pkg/archive/copy.go) */
export function decide(source: AskedPath, sourceKind: string, target: AskedPath, found: Found): Placement {
  const fromDirectory = sourceKind === 'directory';
  if (found.kind === 'directory') {
    return { below: found.path, name: source.contents && fromDirectory ? rootPath : lastOf(source.path) };
  }
  if (found.kind !== null) {
    if (fromDirectory) throw new OnggiError('conflict', 'cannot copy directory', { hint: intoFile(target) });
    if (target.directory) throw new OnggiError('invalid', `"${target.shown}": not a directory`);
  } else if (target.directory && !fromDirectory) {
    throw new OnggiError('not-found', 'no such directory', { hint: `Make "${target.shown}" first.` });
  }
  return { below: parentOf(found.path), name: lastOf(found.path) };
}

function intoFile({ shown }: AskedPath): string {
  return `"${shown}" is no directory.`;
}

export function lastOf(path: EntryPath): EntryPath {
  return path.slice(path.lastIndexOf('/') + 1) as EntryPath;
}

/** A directory inside itself would grow without end. */
export function isInside(path: EntryPath, directory: EntryPath): boolean {
  return directory === rootPath || path === directory || path.startsWith(`${directory}/`);
}

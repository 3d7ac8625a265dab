/**
 * Paths of somebody else's tree: found below a held root, out of which neither ".." nor a link leads, and archived from
 * there. Links in the last place are followed where the path asks for it, by a slash or "/." at its end.
 */

import { OnggiError } from '../errors.ts';
import { type Directory, openDirectoryIn } from '../kernel/directory.ts';
import { descriptorFacts, type EntryFacts, entryFacts, readLink } from '../kernel/entry-facts.ts';
import { type EntryPath, nameOf, parentOf, parseEntryPath, rootPath, shownPath, toName } from './entry-path.ts';
import { treeArchive } from './layer-diff.ts';
import { archiveBytes, tarEntryOf } from './tar-archive.ts';

/** As in the kernel (path_resolution(7)). */
const linksMax = 40;

export type FoundEntry = {
  /** Where it is in the end, seen from the root; where it would be, if nothing is there. */
  readonly path: EntryPath;
  /** Undefined: there is nothing. */
  readonly facts: EntryFacts | undefined;
};

export type TreePath = {
  /** Without ".", ".." and empty components. */
  readonly path: EntryPath;
  /** It ends with "/" or "/.": what it means has to be a directory. */
  readonly directory: boolean;
};

/** @param follow links in the last place, even where the path does not end with "/" @throws OnggiError */
export function findEntry(root: Directory, { path, directory }: TreePath, follow: boolean): FoundEntry {
  let at = path;
  for (let links = 0; links <= linksMax; links++) {
    if (at === rootPath) return { path: at, facts: descriptorFacts(root) };
    using parent = openParent(root, at);
    const facts = parent === undefined ? undefined : entryFacts(parent, nameOf(at));
    if (parent === undefined || facts?.kind !== 'symlink' || !(follow || directory)) return { path: at, facts };
    at = behind(at, readLink(parent, nameOf(at)));
  }
  throw new OnggiError('invalid', `"/${shownPath(path)}": too many links`);
}

/** Where a link leads, inside the root. */
function behind(link: EntryPath, target: Buffer): EntryPath {
  const base = target[0] === 0x2f || parentOf(link) === rootPath ? '' : `${parentOf(link)}/`;
  return clampedPath(Buffer.concat([Buffer.from(base, 'latin1'), target]));
}

/** ".." at the root is the root, as for a process inside. */
export function clampedPath(path: Buffer): EntryPath {
  const components: string[] = [];
  for (const part of path.toString('latin1').split('/')) {
    if (part === '..') components.pop();
    else if (part !== '' && part !== '.') components.push(part);
  }
  return parseEntryPath(Buffer.from(components.join('/'), 'latin1'));
}

function openParent(root: Directory, path: EntryPath): Directory | undefined {
  const parent = parentOf(path);
  try {
    return openDirectoryIn(root, parent === rootPath ? '.' : toName(parent));
  } catch (error) {
    // A file in the place of a directory has nothing below it.
    if (error instanceof OnggiError && (error.code === 'not-found' || error.code === 'invalid')) return undefined;
    throw error;
  }
}

/**
 * The archive of what `found` is; a directory with all below it. A piece is good until the next one is asked for.
 * @param name of it in the archive; "" for a directory whose content alone is meant
 * @param emptied directories whose content is left out, by their path from the root
 */
export function* entryArchive(
  root: Directory,
  { path, facts }: FoundEntry,
  name: EntryPath,
  emptied: readonly string[] = [],
): Generator<Buffer, void, undefined> {
  if (facts === undefined) throw gone(path);
  if (facts.kind === 'directory') {
    using directory = openDirectoryIn(root, path === rootPath ? '.' : toName(path));
    const before = path === rootPath ? '' : `${path}/`;
    const leaveOut = (below: EntryPath): boolean => emptied.some((each) => `${before}${below}`.startsWith(`${each}/`));
    yield* treeArchive([{ layers: [directory], options: { attributes: 'trusted', below: name, leaveOut } }]);
    return;
  }
  using parent = openParent(root, path);
  if (parent === undefined) throw gone(path);
  const place = { parent, name: nameOf(path) };
  const entry = tarEntryOf(facts, place, Buffer.from(name, 'latin1'), null);
  if (entry === undefined) throw new OnggiError('unsupported', `a ${facts.kind} can not be copied`);
  yield* archiveBytes([{ entry, content: entry.type === 'file' && entry.size > 0 ? place : null }]);
}

function gone(path: EntryPath): OnggiError {
  return new OnggiError('not-found', `"/${shownPath(path)}" has just gone`);
}

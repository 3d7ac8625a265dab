/**
 * A copy of what layers show together, for file systems that can't show it themselves: owners, modes, times, hard links,
 * holes and extended attributes are those of the layers. Extents are shared where the file system can (ioctl_ficlone(2)).
 */
import { errnoOf, OnggiError } from '../errors.ts';
import { type Directory, openDirectory, openEntryDirectory } from '../kernel/directory.ts';
import {
  createFile,
  makeDirectory,
  makeLink,
  makeNode,
  makeSymbolicLink,
  setEntryAttribute,
  setEntryMode,
  setEntryOwner,
  setEntryTimes,
  type Time,
} from '../kernel/directory-entry.ts';
import {
  descriptorFacts,
  type EntryFacts,
  listAttributes,
  openEntryFile,
  openRealDirectory,
  readAttribute,
  readLink,
} from '../kernel/entry-facts.ts';
import { copyContent } from '../kernel/subvolume.ts';
import { attributeFate, type EntryPath, nameOf, parentOf, shownPath, toName } from './entry-path.ts';
import { type OverlayAttributes, type TreeEntry, walkLayers } from './layer-tree.ts';
import type { Place } from './place.ts';

/** What files of another owner get. */
export type OwnerMap = (owner: { readonly uid: number; readonly gid: number }) => {
  readonly uid: number;
  readonly gid: number;
};

export type TreeCopyOptions = {
  readonly attributes: OverlayAttributes;
  /** Absent: the same. */
  readonly owner?: OwnerMap;
};

type State = {
  readonly root: Directory;
  readonly owner: OwnerMap;
  /** First path of each inode that has several names. */
  readonly links: Map<string, EntryPath>;
  /** Entries made in a directory change its time: it is set when all is there. */
  readonly times: (readonly [path: EntryPath, modified: Time])[];
};

/**
 * @param layers topmost first; nobody changes them
 * @param to an empty directory of the store
 * @throws OnggiError `exhausted`, `unsupported` (an attribute that the file system does not keep)
 */
export function copyTree(layers: readonly Directory[], to: string, options: TreeCopyOptions): void {
  const [top] = layers;
  if (top === undefined) return;
  using holder = openDirectory(`${to}/..`);
  const place = { parent: holder, name: to.slice(to.lastIndexOf('/') + 1) };
  using root = openEntryDirectory(holder, place.name);
  const state: State = { root, owner: options.owner ?? same, links: new Map(), times: [] };
  let parent: { readonly path: EntryPath; readonly directory: Directory } | undefined;
  try {
    for (const entry of walkLayers(layers, { attributes: options.attributes, showWhiteouts: false })) {
      const path = parentOf(entry.path);
      if (parent?.path !== path) {
        parent?.directory[Symbol.dispose]();
        parent = { path, directory: openMade(root, path) };
      }
      copyEntry(state, entry, { parent: parent.directory, name: nameOf(entry.path) });
    }
  } finally {
    parent?.directory[Symbol.dispose]();
  }
  const facts = descriptorFacts(top);
  describe(state, facts, place);
  for (const [path, modified] of state.times) setTime(root, path, modified);
  setEntryTimes(holder, place.name, facts.modified, facts.modified);
}

const same: OwnerMap = (owner) => owner;

function openMade(root: Directory, path: EntryPath): Directory {
  const directory = openRealDirectory(root, toName(path));
  if (directory === undefined) throw new OnggiError('conflict', `copy: directory "${shownPath(path)}" was removed`);
  return directory;
}

function setTime(root: Directory, path: EntryPath, modified: Time): void {
  using parent = openMade(root, parentOf(path));
  setEntryTimes(parent, nameOf(path), modified, modified);
}

function copyEntry(state: State, { path, facts, place, layer }: TreeEntry, to: Place): void {
  if (facts.kind === 'socket') return;
  const inode = facts.links > 1 && facts.kind !== 'directory' ? `${layer} ${facts.inode}` : undefined;
  const first = inode === undefined ? undefined : state.links.get(inode);
  if (first !== undefined) {
    using parent = openMade(state.root, parentOf(first));
    makeLink(to.parent, to.name, parent, nameOf(first));
    return;
  }
  if (inode !== undefined) state.links.set(inode, path);
  makeEntry(facts, place, to);
  describe(state, facts, to);
  for (const name of listAttributes(place.parent, place.name)) copyAttribute(name, place, to);
  if (facts.kind === 'directory') state.times.push([path, facts.modified]);
  else setEntryTimes(to.parent, to.name, facts.modified, facts.modified);
}

function makeEntry(facts: EntryFacts, from: Place, { parent, name }: Place): void {
  switch (facts.kind) {
    case 'directory':
      makeDirectory(parent, name, 0o700);
      break;
    case 'symlink':
      makeSymbolicLink(parent, name, readLink(from.parent, from.name));
      break;
    case 'file': {
      using source = openEntryFile(from.parent, from.name);
      using made = createFile(parent, name, 0o600);
      if (facts.size > 0) copyContent(source, made);
      break;
    }
    case 'socket':
      break;
    default:
      makeNode(parent, name, facts.kind, 0o600, [facts.major, facts.minor]);
  }
}

/** The owner first: chown(2) takes set-id bits away. */
function describe({ owner }: State, facts: EntryFacts, { parent, name }: Place): void {
  const { uid, gid } = owner(facts);
  setEntryOwner(parent, name, uid, gid);
  if (facts.kind !== 'symlink') setEntryMode(parent, name, facts.mode);
}

function copyAttribute(attribute: string, from: Place, to: Place): void {
  if (attributeFate(attribute) !== 'set') return;
  const value = readAttribute(from.parent, from.name, attribute);
  if (value === undefined) return;
  try {
    setEntryAttribute(to.parent, to.name, attribute, value);
  } catch (error) {
    // As with unpacking: all but capabilities are hints.
    const errno = errnoOf(error instanceof OnggiError ? error.cause : error);
    if (errno !== 'EOPNOTSUPP' || attribute === 'security.capability') throw error;
  }
}

/** Whether two entries have the same attributes, of those that images have. */
export function sameAttributes(one: Place, other: Place): boolean {
  const shown = ({ parent, name }: Place): string =>
    listAttributes(parent, name)
      .filter((attribute) => attributeFate(attribute) === 'set')
      .map((attribute) => `${attribute}=${readAttribute(parent, name, attribute)?.toString('hex')}`)
      .join(' ');
  return shown(one) === shown(other);
}

/**
 * From directories to archives: the writable directory of an overlay as a layer (layer.md of the OCI image
 * specification), and a merged tree as the tar of a root file system.
 *
 * Law: unpacking what `layerArchive` writes on top of the same layers gives the same tree, and archiving it again the same
 * bytes.
 */
import { OnggiError } from '../errors.ts';
import type { Directory } from '../kernel/directory.ts';
import { descriptorFacts, type EntryFacts, listAttributes } from '../kernel/entry-facts.ts';
import { type EntryPath, parentOf, rootPath, shownPath } from './entry-path.ts';
import { type OverlayAttributes, type TreeEntry, walkLayers } from './layer-tree.ts';
import { type WholeTree, walkOwn } from './own-tree.ts';
import { type ArchiveEntry, archiveBytes, tarEntryOf } from './tar-archive.ts';
import type { TarEntry } from './tar-entry.ts';
import type { OwnerMap } from './tree-copy.ts';

export type DiffOptions = {
  readonly attributes: OverlayAttributes;
  /** Neither these nor what is below them. */
  readonly leaveOut?: (path: EntryPath) => boolean;
  /** Where the tree stands in the archive, "" for its root. */
  readonly below?: EntryPath;
  /** The directory is no writable layer: what it has of its own comes from a comparison. */
  readonly whole?: WholeTree;
  /** From owners in the directory to owners in the archive. */
  readonly owner?: OwnerMap;
  /** Entries whose time says nothing, "" for the root: it is left out. */
  readonly timeless?: (path: EntryPath) => boolean;
};

export type RootMention = 'always' | 'never' | EntryFacts;

/**
 * The layer that an overlay's upper directory is.
 * @param upper belongs to the caller, and may be written to meanwhile
 * @param root whether the layer speaks of its root; or what the root below is like, then it does when that differs
 * @throws OnggiError `unsupported` for what no layer can say
 */
export function layerArchive(
  upper: Directory,
  root: RootMention,
  options: DiffOptions,
): Generator<Buffer, void, undefined> {
  return archiveBytes(layerEntries(upper, root, options));
}

function* layerEntries(
  upper: Directory,
  root: RootMention,
  options: DiffOptions,
): Generator<ArchiveEntry, void, undefined> {
  const own = withOwner(descriptorFacts(upper), options);
  const mentioned = typeof root === 'string' ? root === 'always' : !isSame(own, root);
  if (mentioned) yield rootEntry(own, options);
  const links = linkMemory();
  for (const found of walkOwn(upper, options)) {
    // What a whiteout hides has the owner of the image.
    const each =
      options.owner === undefined || found.whiteout ? found : { ...found, facts: withOwner(found.facts, options) };
    const name = nameIn(options, each.path);
    if (each.whiteout) {
      yield { entry: whiteout(name), content: null };
      continue;
    }
    if (isWhiteoutName(each.path)) throw unspeakable(each.path);
    const attributes = listAttributes(each.place.parent, each.place.name);
    checkMarks(each, attributes, options.attributes);
    const timed = options.timeless?.(each.path) ? { ...each, facts: { ...each.facts, modified: noTime } } : each;
    yield* archived(timed, name, links, attributes);
    if (each.opaque) yield { entry: opaqueMark(name), content: null };
  }
}

/** A merged tree: its layers topmost first. */
export type MergedTree = { readonly layers: readonly Directory[]; readonly options: DiffOptions };

/** The tar of trees that layers make together, each at its own place, as `export` writes it. */
export function treeArchive(trees: readonly MergedTree[]): Generator<Buffer, void, undefined> {
  return archiveBytes(treeEntries(trees));
}

function* treeEntries(trees: readonly MergedTree[]): Generator<ArchiveEntry, void, undefined> {
  for (const { layers, options } of trees) {
    const links = linkMemory();
    const [top] = layers;
    if (top !== undefined) yield rootEntry(withOwner(descriptorFacts(top), options), options);
    for (const found of walkLayers(layers, { ...options, showWhiteouts: false })) {
      const each = options.owner === undefined ? found : { ...found, facts: withOwner(found.facts, options) };
      yield* archived(each, nameIn(options, each.path), links);
    }
  }
}

function withOwner(facts: EntryFacts, { owner }: DiffOptions): EntryFacts {
  return owner === undefined ? facts : { ...facts, ...owner(facts) };
}

function* archived(
  each: TreeEntry,
  name: Buffer,
  links: LinkMemory,
  attributes?: readonly string[],
): Generator<ArchiveEntry, void, undefined> {
  const { facts, place } = each;
  const first = links(each, name);
  const entry = tarEntryOf(facts, place, name, first, attributes);
  if (entry !== undefined) yield { entry, content: entry.type === 'file' && entry.size > 0 ? place : null };
}

type LinkMemory = (each: TreeEntry, name: Buffer) => Buffer | null;

/** The first name of each inode that has several; a directory's count of links says something else. */
function linkMemory(): LinkMemory {
  const first = new Map<string, Buffer>();
  return ({ facts, layer }, name) => {
    if (facts.links < 2 || facts.kind === 'directory') return null;
    const inode = `${layer} ${facts.inode}`;
    const known = first.get(inode);
    if (known === undefined) first.set(inode, name);
    return known ?? null;
  };
}

function nameIn({ below = rootPath }: DiffOptions, path: EntryPath): Buffer {
  return Buffer.from(below === rootPath ? path : `${below}/${path}`, 'latin1');
}

const whiteoutPrefix = '.wh.';
const noTime = { seconds: 0, nanoseconds: 0 };

/** layer.md: an empty file; what it is like says nothing, so it is always the same. */
function whiteout(name: Buffer): TarEntry {
  const path = name.toString('latin1') as EntryPath;
  const parent = parentOf(path);
  const last = path.slice(parent === '' ? 0 : parent.length + 1);
  return markEntry(`${parent === '' ? '' : `${parent}/`}${whiteoutPrefix}${last}`);
}

function opaqueMark(directory: Buffer): TarEntry {
  return markEntry(`${directory.toString('latin1')}/${whiteoutPrefix}${whiteoutPrefix}.opq`);
}

/** Its time would be that of its unpacking, another one each time. */
function markEntry(name: string): TarEntry {
  return {
    type: 'file',
    name: Buffer.from(name, 'latin1'),
    linkName: Buffer.alloc(0),
    mode: 0,
    uid: 0,
    gid: 0,
    size: 0,
    modified: noTime,
    major: 0,
    minor: 0,
    attributes: new Map(),
  };
}

function rootEntry(facts: EntryFacts, { below = rootPath, timeless }: DiffOptions): ArchiveEntry {
  const { mode, uid, gid } = facts;
  const modified = timeless?.(rootPath) ? noTime : facts.modified;
  const name = below === rootPath ? './' : `${below}/`;
  return { entry: { ...markEntry(name), type: 'directory', mode, uid, gid, modified }, content: null };
}

function isSame(a: EntryFacts, b: EntryFacts): boolean {
  const sameTime = a.modified.seconds === b.modified.seconds && a.modified.nanoseconds === b.modified.nanoseconds;
  return a.uid === b.uid && a.gid === b.gid && a.mode === b.mode && sameTime;
}

function isWhiteoutName(path: EntryPath): boolean {
  return path.slice(path.lastIndexOf('/') + 1).startsWith(whiteoutPrefix);
}

/** Whoever unpacked it would remove something of the layers below. */
function unspeakable(path: EntryPath): OnggiError {
  return new OnggiError(
    'unsupported',
    `file "${shownPath(path)}": in a layer, names that begin with ".wh." remove files`,
    {
      hint: 'Rename or remove it.',
    },
  );
}

/** With these, an entry is not all there: its content or the rest of its path are in another layer. */
function checkMarks({ path, facts }: TreeEntry, attributes: readonly string[], overlay: OverlayAttributes): void {
  if (facts.kind !== 'file' && facts.kind !== 'directory') return;
  const marks = [`${overlay}.overlay.redirect`, `${overlay}.overlay.metacopy`];
  const found = attributes.find((name) => marks.includes(name));
  if (found === undefined) return;
  throw new OnggiError('unsupported', `"${shownPath(path)}": it has attribute ${found}`, {
    hint: 'Turn off "redirect_dir" and "metacopy" of the kernel module overlay.',
  });
}

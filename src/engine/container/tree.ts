/**
 * The file system of a container, running or not, for those who read all of it: `diff`, `export`, `commit`. Its layers
 * are read where they lie and nothing is mounted; what other file systems show inside (proc, volumes) is no part of it.
 */
import { readFileSync } from 'node:fs';
import { errnoOf, fromSystemError, OnggiError } from '../../errors.ts';
import { type EntryPath, parseEntryPath, rootPath, toName } from '../../image/entry-path.ts';
import { fromMachine, toMachine } from '../../image/id-map.ts';
import { viewOf } from '../../image/layer-tree.ts';
import type { WholeTree } from '../../image/own-tree.ts';
import { lowerDirectories } from '../../image/snapshot.ts';
import type { OwnerMap } from '../../image/tree-copy.ts';
import { isShifted, isTree, wholeSince } from '../../image/tree-mark.ts';
import { type Directory, openDirectory } from '../../kernel/directory.ts';
import { listEntries } from '../../kernel/directory-entry.ts';
import { type EntryFacts, openRealDirectory, openWithoutMounts } from '../../kernel/entry-facts.ts';
import { lock } from '../../kernel/lock.ts';
import { currentMaps } from '../../kernel/user-namespace.ts';
import { layerPath } from '../../store/layout.ts';
import type { Store } from '../../store/store.ts';
import type { Context } from '../context.ts';
import { hostMaskedPaths } from '../image/host-image.ts';
import type { IdMaps, RootDirectory } from '../types.ts';
import { type Container, type ContainerFiles, isHost } from './container.ts';
import { containerLock } from './container-lock.ts';
import { lookUp } from './look-up.ts';

/** The root file system, or for the image `host` one disk of the machine. */
export type TreePart = {
  /** Where it is inside; "" for the root. */
  readonly below: EntryPath;
  /** The writable layer; or the whole tree, then `whole` says what it was copied from. */
  readonly upper: Directory;
  /** Topmost first. */
  readonly lower: readonly Directory[];
  readonly whole?: WholeTree;
  /** Nobody knows what of it is the container's own. */
  readonly noRecord?: boolean;
  /** From owners in `upper` to those of the image, where they are others. */
  readonly owner?: OwnerMap;
  /** Of what is the container's own. */
  readonly leaveOut: (path: EntryPath) => boolean;
  /** Of all that it sees: not what the image has, too. */
  readonly leaveOutOfAll: (path: EntryPath) => boolean;
};

/** Disposing of it closes its descriptors and lets the container be removed. */
export type ContainerTree = Disposable & { readonly container: Container; readonly parts: readonly TreePart[] };

/**
 * Nobody can remove the container meanwhile; it can be started, stopped and looked at.
 * @throws OnggiError `not-found`
 */
export async function openContainerTree(context: Context, ref: string, signal?: AbortSignal): Promise<ContainerTree> {
  const { id } = await lookUp(context, ref);
  using held = new DisposableStack();
  held.use(await lock(containerLock(context.store, id), 'shared', signal));
  // It may have gone while the lock was waited for.
  const container = await lookUp(context, id);
  const parts = [rootPart(context.store, container, held), ...diskParts(container, held)];
  const owned = held.move();
  return { container, parts, [Symbol.dispose]: () => owned.dispose() };
}

function rootPart(store: Store, { row, files, options }: Container, held: DisposableStack): TreePart {
  if (options.rootfs !== undefined) return directoryPart(options.rootfs, files, held);
  const tree = isTree(files);
  const upper = held.use(openDirectory(tree ? files.tree : files.upper));
  if (row.imageId === null) {
    const hidden = hostMaskedPaths(store.layout).map((path) => parseEntryPath(Buffer.from(path)));
    const leaveOut = (path: EntryPath): boolean => hidden.some((each) => path === each || path.startsWith(`${each}/`));
    const host = held.use(openWithoutMounts('/'));
    return { below: rootPath, upper, lower: [host], leaveOut, leaveOutOfAll: leaveOut };
  }
  const names = lowerDirectories(store, row.imageId);
  const lower = names.map((name) => held.use(openDirectory(layerPath(store.layout, name))));
  const made = tree ? madeInTree(upper, lower) : madeByEngine(upper, lower);
  const leaveOut = (path: EntryPath): boolean => made.has(path);
  const view = viewOf(lower, 'trusted');
  const leaveOutOfAll = (path: EntryPath): boolean => made.has(path) && view.find(path) === undefined;
  if (!tree) return { below: rootPath, upper, lower, leaveOut, leaveOutOfAll };
  const whole = { layers: lower, since: wholeSince(files.whole), timeless: isPlace };
  const owner = options.idMaps === undefined || !isShifted(files) ? {} : { owner: ofImage(options.idMaps) };
  return { below: rootPath, upper, lower, whole, leaveOut, leaveOutOfAll, ...owner };
}

/** An ordinary user looks from a user namespace of his own. */
function ofImage(maps: IdMaps): OwnerMap {
  const [outside, inside] = [toMachine(currentMaps()), fromMachine(maps)];
  return (owner) => inside(outside(owner));
}

/** A directory of the user's: with an overlay there is a layer of the container's own, else all is the user's. */
function directoryPart(rootfs: RootDirectory, files: ContainerFiles, held: DisposableStack): TreePart {
  const directory = held.use(openDirectory(rootfs.path));
  const nothing = (): boolean => false;
  const part = { below: rootPath, leaveOut: nothing, leaveOutOfAll: nothing };
  if (!rootfs.overlay) return { ...part, upper: directory, lower: [], noRecord: true };
  const upper = held.use(openDirectory(files.upper));
  const made = madeByEngine(upper, [directory]);
  return { ...part, upper, lower: [directory], leaveOut: (path) => made.has(path) };
}

/**
 * Places for the file systems that every container has mounted, deepest first. Where the image has none, the start makes
 * them in the writable layer; that is no change of the user's.
 */
const mountPoints = [
  'dev/console',
  'dev/mqueue',
  'dev/pts',
  'dev/shm',
  'etc/hostname',
  'etc/hosts',
  'etc/resolv.conf',
  'sys/fs/cgroup',
  'sys/fs',
  'dev',
  'etc',
  'proc',
  'sys',
] as EntryPath[];

/** Those that hold nothing, or nothing but one another, and are not in the image, or there are the same but for the time. */
function madeByEngine(upper: Directory, lower: readonly Directory[]): ReadonlySet<EntryPath> {
  const own = viewOf([upper], 'trusted');
  const below = viewOf(lower, 'trusted');
  const made = new Set<EntryPath>();
  for (const path of mountPoints) {
    const facts = own.find(path);
    const before = below.find(path);
    if (facts === undefined) continue;
    if (facts.kind === 'directory') {
      // Whiteouts, too: a name of the image that is gone.
      const children = namesIn(upper, path);
      const changed = before !== undefined && (children.length === 0 || !isLike(facts, before));
      if (!changed && children.every((child) => made.has(child))) made.add(path);
    } else if (facts.kind === 'file' && facts.size === 0 && before === undefined) {
      made.add(path);
    }
  }
  return made;
}

function namesIn(upper: Directory, path: EntryPath): EntryPath[] {
  using directory = openRealDirectory(upper, toName(path));
  if (directory === undefined) return [];
  return listEntries(directory).map((name) => `${path}/${name.toString('latin1')}` as EntryPath);
}

const placeSet: ReadonlySet<EntryPath> = new Set(mountPoints);

function isPlace(path: EntryPath): boolean {
  return placeSet.has(path);
}

/** The same in a whole tree: what is empty there and not in the image. */
function madeInTree(tree: Directory, lower: readonly Directory[]): ReadonlySet<EntryPath> {
  const own = viewOf([tree], 'trusted');
  const below = viewOf(lower, 'trusted');
  const made = new Set<EntryPath>();
  for (const path of mountPoints) {
    const facts = own.find(path);
    if (facts === undefined || below.find(path) !== undefined) continue;
    const empty = facts.kind === 'directory' ? own.children(path).every((child) => made.has(child)) : facts.size === 0;
    if (empty) made.add(path);
  }
  return made;
}

function isLike(a: EntryFacts, b: EntryFacts): boolean {
  return a.kind === b.kind && a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;
}

/** The other disks of the machine, as the config.json of the last start has them; none before the first. */
function diskParts({ row, files, options }: Container, held: DisposableStack): TreePart[] {
  if (!isHost({ row, options })) return [];
  return overlaysOf(files.config).map(({ path, upper }) => ({
    below: parseEntryPath(Buffer.from(path)),
    upper: held.use(openDirectory(upper)),
    lower: [held.use(openWithoutMounts(path))],
    leaveOut: () => false,
    leaveOutOfAll: () => false,
  }));
}

type Overlay = { readonly path: string; readonly upper: string };
type Mount = { readonly type?: string; readonly destination: string; readonly options?: readonly string[] };

function overlaysOf(config: string): Overlay[] {
  const mounts = (readConfig(config) as { readonly mounts?: readonly Mount[] }).mounts ?? [];
  return mounts.flatMap(({ type, destination, options = [] }) => {
    const upper = options.find((option) => option.startsWith('upperdir='));
    if (type !== 'overlay' || upper === undefined) return [];
    return [{ path: destination, upper: upper.slice('upperdir='.length).replace(/\\(.)/g, '$1') }];
  });
}

function readConfig(path: string): object {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return {};
    if (error instanceof SyntaxError) throw new OnggiError('corrupt', `file "${path}": not JSON`, { cause: error });
    throw fromSystemError(error, `read "${path}"`);
  }
}

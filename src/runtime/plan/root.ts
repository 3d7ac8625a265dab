/** The root file system of config.json as steps: where it comes from, how its mounts spread. Pure. */
import { OnggiError } from '../../errors.ts';
import { attributeBits, mountBits, propagationOf } from './mount-options.ts';
import type { ByKeeper, InitStep, MountFlags } from './steps.ts';

/** Where the root file system comes from. Paths are absolute host paths. */
export type RootSource =
  | {
      /** Layers; `lower` is topmost first, names without a slash are relative to `directory`. ["/"] is the host. */
      readonly kind: 'overlay';
      readonly directory: string;
      readonly lower: readonly string[];
      /** Both null for a root that nobody can write to. */
      readonly upper: string | null;
      readonly work: string | null;
      /** Do without syncing the writable layer: right for a container that is removed at its end. */
      readonly volatile: boolean;
      /** Its attributes are user.overlay.* (overlayfs.rst, "User xattr"): those of a user without privileges. */
      readonly userAttributes: boolean;
      /** SELinux label of all files in it. */
      readonly label?: string;
      /** Directory to mount on, inside the container's mount namespace only. */
      readonly target: string;
      /** For a user namespace that root has made: what the container can't get at is opened by the keeper. */
      readonly byKeeper?: ByKeeper;
    }
  | { readonly kind: 'directory'; readonly path: string; readonly byKeeper?: ByKeeper };

export const readOnlyRoot: InitStep = {
  op: 'root-attributes',
  attributes: { set: attributeBits.rdonly, clear: 0, words: ['read-only'] },
};

/**
 * The root, in a copy of the host's mounts that has been told how to spread.
 *
 * @param word `linux.rootfsPropagation`
 * @throws OnggiError `invalid`
 */
export function compileRoot(
  root: RootSource,
  word: string | undefined,
  others: readonly RootSource[] = [],
): InitStep[] {
  const target = root.kind === 'directory' ? root.path : root.target;
  const mounts = [...others, root].map(mountRoot);
  return [...hostPropagation(word, target), ...mounts, { op: 'enter-root', path: target }];
}

function mountRoot(root: RootSource): InitStep {
  const keeper = root.byKeeper === undefined ? {} : { byKeeper: root.byKeeper };
  if (root.kind === 'directory') return { op: 'root-bind', source: root.path, target: root.path, ...keeper };
  const { directory, lower, upper, work, target, label } = root;
  return {
    op: 'overlay',
    directory,
    lower,
    upper,
    work,
    target,
    options: [
      ...overlayOptions(root.userAttributes),
      ...(root.volatile && upper !== null ? ['volatile'] : []),
      ...(label === undefined ? [] : [`context="${label}"`]),
    ],
    flags: { bits: 0, words: [] },
    ...keeper,
  };
}

/**
 * Whatever the defaults of the kernel module are: `diff`, `commit` and `export` read layers as they lie, so no entry may
 * lead elsewhere (redirect) or lack its content (metacopy); an index would bind the writable layer to the inodes of the
 * layers below, so that a store that was copied could not be mounted. With `userxattr` the kernel has them off by itself
 * and refuses all words on it (overlayfs.rst).
 */
export function overlayOptions(userAttributes: boolean): string[] {
  return userAttributes ? ['userxattr'] : ['redirect_dir=nofollow', 'metacopy=off', 'index=off'];
}

/**
 * As a slave, which is the default, the copy still sees the host's unmounts, so nothing on the host stays busy while
 * the root is being made. With "shared", binds out of it stay the host's peers; then the root itself must not spread to
 * the host, so the mount that it is put on is made private (pivot_root(2) wants that too). With "unbindable" nothing
 * could be bound out of it, so it is for the end only.
 */
function hostPropagation(word: string | undefined, target: string): InitStep[] {
  const flags = flagsOf(word);
  const kind = flags === null ? 0 : flags.bits & ~mountBits.rec;
  const first = flags === null || kind === mountBits.unbindable ? propagationOf('rslave') : flags;
  const spreads = flags !== null && kind !== mountBits.unbindable && flags.bits !== (mountBits.slave | mountBits.rec);
  const holder: InitStep[] =
    spreads && flags.bits !== (mountBits.private | mountBits.rec)
      ? [{ op: 'propagation', path: target, flags: { bits: mountBits.private, words: ['private'] }, holder: true }]
      : [];
  return [{ op: 'propagation', path: '/', flags: first ?? { bits: 0, words: [] } }, ...holder];
}

/** Of the container's root, for what is mounted in it later. */
export function rootPropagation(word: string | undefined): InitStep[] {
  const flags = flagsOf(word);
  return flags === null ? [] : [{ op: 'propagation', path: '/', flags }];
}

function flagsOf(word: string | undefined): MountFlags | null {
  if (word === undefined || word === '') return null;
  const flags = propagationOf(word);
  if (flags === undefined) throw new OnggiError('invalid', `linux.rootfsPropagation: there is no "${word}"`);
  return flags;
}

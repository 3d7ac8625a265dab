/** The mounts of config.json as steps (config.md, "Mounts"). Pure. */
import { OnggiError, unsupported, withField } from '../../errors.ts';
import type { Mount } from '../../oci/runtime-spec.ts';
import { absolutePath } from '../../oci/slash-path.ts';
import type { Cgroup } from '../cgroup/cgroup.ts';
import type { CgroupLayout } from '../cgroup/hierarchy.ts';
import { compileCgroupMount } from './cgroup-mount.ts';
import { type ContainerMaps, idMapping } from './mount-id-map.ts';
import { attributeBits, type MountOptions, mountBits, parseMountOptions } from './mount-options.ts';
import { noAttributes } from './numbers.ts';
import type { BindMapping, InitStep, MountAttributes } from './steps.ts';

/** What the compilation of a mount has to know besides the mount. */
export type MountContext = {
  readonly cgroups: CgroupLayout;
  /** The container's own, in the order of the layout. */
  readonly cgroup: Cgroup;
  /** The container has a cgroup namespace of its own. */
  readonly cgroupNamespace: boolean;
  /** The container has a user namespace of its own, new or joined. */
  readonly userNamespace: boolean;
  readonly idMaps: ContainerMaps;
  /** It has one but shares the host's network namespace. */
  readonly foreignNetwork: boolean;
  /** Directory that relative sources of binds are taken from. */
  readonly bundle: string;
  /** SELinux label of new file systems, "" for none. */
  readonly label: string;
  readonly warn: (message: string) => void;
};

/** Mounts in their order, and what has to wait until devices and links are made in them. */
export type CompiledMounts = { readonly steps: InitStep[]; readonly later: InitStep[] };

/** @throws OnggiError `invalid` or `unsupported`, naming the mount */
export function compileMounts(mounts: readonly Mount[], context: MountContext): CompiledMounts {
  const [steps, later]: [InitStep[], InitStep[]] = [[], []];
  const known = new Map<string, MountOptions>();
  let index = 0;
  try {
    for (const mount of mounts) {
      steps.push(...compileMount(mount, context, known, later));
      index += 1;
    }
  } catch (error) {
    throw withField(error, `mounts[${index}]`);
  }
  return { steps, later };
}

/** Many mounts, few ways to mount: each list of words is taken apart once. */
function optionsOf(target: string, words: readonly string[], known: Map<string, MountOptions>): MountOptions {
  const key = words.join('\0');
  const found = known.get(key) ?? parseMountOptions(target, words);
  known.set(key, found);
  return found;
}

function compileMount(
  mount: Mount,
  context: MountContext,
  known: Map<string, MountOptions>,
  later: InitStep[],
): InitStep[] {
  const target = checkDestination(mount.destination);
  const options = optionsOf(target, mount.options ?? [], known);
  if (options.remount) return [remount(target, options)];
  const bound = options.bind || mount.type === 'bind';
  const mapping = idMapping(mount, target, options, context.userNamespace, context.idMaps);
  if (mapping !== null && !bound) {
    throw new OnggiError('invalid', `mount "${target}": only a bind can have its ids mapped`);
  }
  if (options.copyUp && mount.type !== 'tmpfs') {
    throw new OnggiError('invalid', `mount "${target}": "tmpcopyup" is for a tmpfs, not for "${mount.type ?? ''}"`);
  }
  if (bound) return [bind(mount, target, options, mapping, context)];
  // "cgroup" is whatever the machine has; "cgroup2" beside other hierarchies is a mount like any other.
  if (mount.type === 'cgroup' || (mount.type === 'cgroup2' && context.cgroups.mode === 'unified')) {
    return compileCgroupMount(target, options, context);
  }
  if (mount.type === 'sysfs' && context.foreignNetwork) return [bindSys(target, options)];
  return [fileSystem(mount, target, options, context.label, later)];
}

function fileSystem(mount: Mount, target: string, options: MountOptions, label: string, later: InitStep[]): InitStep {
  const { type } = mount;
  if (type === undefined || type === '' || type === 'none') {
    throw new OnggiError('invalid', `mount "${target}": neither a type nor the option "bind" is given`);
  }
  const { propagation, data, copyUp } = options;
  let { flags } = options;
  if (target === '/dev' && (flags.bits & mountBits.rdonly) !== 0) {
    // Devices and links are made in it first.
    flags = { bits: flags.bits & ~mountBits.rdonly, words: flags.words.filter((word) => word !== 'ro') };
    const attributes = { set: attributeBits.rdonly, clear: 0, words: ['ro'] };
    later.push({ op: 'remount', target, attributes, data: '' });
  }
  return {
    op: 'mount',
    fstype: type,
    source: mount.source ?? type,
    target,
    flags: { bits: (flags.bits | propagation.bits) >>> 0, words: [...flags.words, ...propagation.words] },
    data: [...data, ...labelOption(type, label)].join(','),
    optional: false,
    ...(copyUp && { copyUp }),
  };
}

/**
 * mount(8), "context=". Procfs and sysfs take no label; for a queue file system, which is there before it is mounted, the
 * init labels its root.
 */
function labelOption(type: string, label: string): string[] {
  return label === '' || type === 'proc' || type === 'sysfs' ? [] : [`context="${label}"`];
}

/** Relative destinations are taken below "/", as runc does for old configurations (config.md, "Mounts"). */
function checkDestination(destination: string): string {
  const target = destination.startsWith('/') ? destination : `/${destination}`;
  if (isRoot(target)) throw new OnggiError('invalid', `mount "${destination}": the root can't be mounted over`);
  return target;
}

/** Nothing but slashes and dots. */
function isRoot(path: string): boolean {
  let at = 0;
  while (path[at] === '/' || path[at] === '.') at++;
  return at === path.length;
}

function bind(
  mount: Mount,
  target: string,
  options: MountOptions,
  mapping: BindMapping | null,
  context: MountContext,
): InitStep {
  if (options.ofFileSystem.length + options.data.length > 0) {
    const without = [...options.ofFileSystem, ...options.data];
    context.warn(`mount options "${without.join(',')}" of the bind "${target}" belong to its file system: no effect`);
  }
  const source = sourceOf(mount, target, context.bundle);
  const treeAttributes = treeAttributesOf(source, options);
  return {
    op: 'bind',
    source,
    target,
    recursive: options.recursive,
    ...(mapping !== null && { mapping }),
    attributes: options.attributes,
    ...(treeAttributes.words.length > 0 && { treeAttributes }),
    propagation: options.propagation,
    createSource: false,
  };
}

/**
 * "ro" is for the mount itself, and a tree of ordinary mounts may be meant so. The kernel's own trees are not: below
 * /sys lie the cgroups, of which an ordinary user's are root's inside (CVE-2023-25809).
 */
function treeAttributesOf(source: string, { recursive, attributes, treeAttributes }: MountOptions): MountAttributes {
  const { rdonly } = attributeBits;
  const decided = ((treeAttributes.set | treeAttributes.clear) & rdonly) !== 0;
  if (!recursive || (attributes.set & rdonly) === 0 || decided) return treeAttributes;
  if (!source.includes('/sys') && !source.includes('/proc')) return treeAttributes;
  if (!/^\/(?:sys|proc)(?:\/|$)/.test(absolutePath(source, '/'))) return treeAttributes;
  return { ...treeAttributes, set: treeAttributes.set | rdonly, words: [...treeAttributes.words, 'rro'] };
}

function sourceOf(mount: Mount, target: string, bundle: string): string {
  const source = mount.source ?? '';
  if (source === '') throw new OnggiError('invalid', `mount "${target}": a bind needs a source`);
  return source.startsWith('/') ? source : absolutePath(source, bundle);
}

/**
 * The mount changes, and with data the options of its file system. "ro" never makes a whole file system read-only, which
 * may be the host's.
 */
function remount(target: string, options: MountOptions): InitStep {
  const { attributes, treeAttributes, ofFileSystem, data } = options;
  if (ofFileSystem.length > 0) throw unsupported(`remounting "${target}" with "${ofFileSystem.join(',')}"`);
  return { op: 'remount', target, attributes, treeAttributes, data: data.join(',') };
}

/** sysfs shows a network namespace and can only be mounted by who owns it (sysfs(5)). */
function bindSys(target: string, options: MountOptions): InitStep {
  const { set, clear, words } = options.attributes;
  return {
    op: 'bind',
    source: '/sys',
    target,
    recursive: true,
    attributes: noAttributes,
    treeAttributes: { set: set | attributeBits.nosuid | attributeBits.noexec | attributeBits.nodev, clear, words },
    propagation: { bits: mountBits.slave | mountBits.rec, words: ['rslave'] },
    createSource: false,
  };
}

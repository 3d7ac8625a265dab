/** The mounts of config.json as steps, in their order. Pure. */
import { OnggiError, unsupported } from '../../errors.ts';
import type { Mount } from '../../oci/runtime-spec.ts';
import type { Cgroup } from '../cgroup/cgroup.ts';
import type { CgroupLayout } from '../cgroup/hierarchy.ts';
import { attributeBits, type MountOptions, mountBits, parseMountOptions } from './mount-options.ts';
import type { InitStep, MountAttributes } from './steps.ts';

/** What the compilation of a mount has to know besides the mount. */
export type MountContext = {
  readonly cgroups: CgroupLayout;
  /** The container's own, in the order of the layout. */
  readonly cgroup: Cgroup;
  /** The container has a cgroup namespace of its own. */
  readonly cgroupNamespace: boolean;
  /** The container has a user namespace of its own but shares the host's network namespace. */
  readonly foreignNetwork: boolean;
};

/** @throws OnggiError `invalid` or `unsupported`, naming the mount */
export function compileMounts(mounts: readonly Mount[], context: MountContext): InitStep[] {
  return mounts.flatMap((mount) => compileMount(mount, context));
}

function compileMount(mount: Mount, context: MountContext): InitStep[] {
  const target = checkDestination(mount.destination);
  if (mount.uidMappings !== undefined || mount.gidMappings !== undefined) {
    throw unsupported(`an id-mapped mount ("${target}")`);
  }
  const options = parseMountOptions(target, mount.options ?? []);
  if (options.bind || mount.type === 'bind') return [bind(mount, target, options)];
  checkPropagation(target, options);
  if (mount.type === 'cgroup' || mount.type === 'cgroup2') return cgroup(target, options, context);
  if (mount.type === 'sysfs' && context.foreignNetwork) return [bindSys(target, options)];
  if (mount.type === undefined || mount.type === '') {
    throw new OnggiError('invalid', `mount "${target}": neither a type nor the option "bind" is given`);
  }
  if (target === '/dev' && (options.flags.bits & mountBits.rdonly) !== 0) {
    throw unsupported('a read-only mount of "/dev"', 'Devices are made in it; leave out "ro".');
  }
  return [
    {
      op: 'mount',
      fstype: mount.type,
      source: mount.source ?? mount.type,
      target,
      flags: options.flags,
      data: options.data.join(','),
      optional: false,
    },
  ];
}

/** Relative destinations are taken below "/", as runc does for old configurations (config.md, "Mounts"). */
function checkDestination(destination: string): string {
  const target = destination.startsWith('/') ? destination : `/${destination}`;
  if (/^[/.]*$/.test(target)) throw new OnggiError('invalid', `mount "${destination}": the root can't be mounted over`);
  return target;
}

function bind(mount: Mount, target: string, options: MountOptions): InitStep {
  const source = mount.source ?? '';
  if (!source.startsWith('/')) {
    throw new OnggiError('invalid', `mount "${target}": its source "${source}" is not an absolute path`);
  }
  if (options.data.length > 0) throw unsupported(`mount option "${options.data.join(',')}" of the bind "${target}"`);
  const plainOnly = options.flags.words.filter((word) => !options.attributes.words.includes(word));
  if (plainOnly.length > 0) throw unsupported(`mount option "${plainOnly.join(',')}" of the bind "${target}"`);
  if ((options.propagation.bits & mountBits.shared) !== 0) {
    // The init makes its copy of the host's mounts a slave before it binds, so it can't join the source's peer group.
    throw unsupported(`propagation "${options.propagation.words.join()}" of "${target}"`, 'Use rslave or rprivate.');
  }
  return {
    op: 'bind',
    source,
    target,
    recursive: options.recursive,
    attributes: options.attributes,
    propagation: options.propagation,
    createSource: false,
  };
}

/** A new mount below a slave or private root is private, which "slave" does not change; it has no peers to share with. */
function checkPropagation(target: string, options: MountOptions): void {
  const bits = options.propagation.bits & ~mountBits.rec;
  if (bits === mountBits.shared || bits === mountBits.unbindable) {
    throw unsupported(`propagation "${options.propagation.words.join()}" of "${target}"`);
  }
}

/**
 * With a cgroup namespace the hierarchies are mounted anew, and show the container's own cgroup as their root. Without
 * one the same is had by binding the container's directories.
 */
function cgroup(target: string, options: MountOptions, context: MountContext): InitStep[] {
  const { cgroups } = context;
  if (options.data.length > 0) throw unsupported(`mount option "${options.data.join(',')}" of "${target}"`);
  const hierarchies = cgroups.legacy.map((hierarchy) => ({
    name: hierarchy.name,
    options: hierarchy.options,
    links: hierarchy.controllers.length > 1 ? hierarchy.controllers : [],
  }));
  const unified = cgroups.mode === 'unified';
  if (context.cgroupNamespace) {
    return [{ op: 'cgroup-mount', target, unified, legacy: unified ? [] : hierarchies, flags: options.flags }];
  }
  const own = (source: string, on: string): InitStep => ({
    op: 'bind',
    source,
    target: on,
    recursive: false,
    attributes: options.attributes,
    propagation: { bits: 0, words: [] },
    createSource: false,
  });
  if (context.cgroup.unified !== null && unified) return [own(context.cgroup.unified, target)];
  const writable = {
    bits: options.flags.bits & ~mountBits.rdonly,
    words: options.flags.words.filter((w) => w !== 'ro'),
  };
  return [
    { op: 'mount', fstype: 'tmpfs', source: 'cgroup', target, flags: writable, data: 'mode=755', optional: false },
    ...cgroups.legacy.flatMap((hierarchy, index): InitStep[] => [
      own(context.cgroup.legacy[index]?.directory ?? hierarchy.mountPoint, `${target}/${hierarchy.name}`),
      ...(hierarchy.controllers.length > 1
        ? hierarchy.controllers.map(
            (name): InitStep => ({ op: 'symlink', path: `${target}/${name}`, target: hierarchy.name }),
          )
        : []),
    ]),
  ];
}

/** sysfs shows a network namespace and can only be mounted by who owns it (sysfs(5)). */
function bindSys(target: string, options: MountOptions): InitStep {
  const attributes: MountAttributes = {
    ...options.attributes,
    recursive: true,
    set: options.attributes.set | attributeBits.nosuid | attributeBits.noexec | attributeBits.nodev,
  };
  return {
    op: 'bind',
    source: '/sys',
    target,
    recursive: true,
    attributes,
    propagation: { bits: mountBits.slave | mountBits.rec, words: ['rslave'] },
    createSource: false,
  };
}

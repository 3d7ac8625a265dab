/** The mounts of a container: the usual ones, the engine's files in /etc, the user's. Pure. */
import { posix } from 'node:path';
import { OnggiError } from '../../errors.ts';
import type { Mount } from '../../oci/runtime-spec.ts';
import { defaultMounts, defaultShmSize } from '../../runtime/defaults.ts';
import type { BindMount, ContainerOptions, ImageMount, TmpfsMount } from '../types.ts';
import { volumeMount } from '../volume/volume-mount.ts';
import { joinedOf } from './namespace.ts';
import type { SpecFacts } from './spec.ts';
import { systemdCgroupMounts, systemdMounts } from './systemd.ts';

/**
 * A mount of the user's replaces a usual one on the same place; with /dev and the cgroups go all those below them. Ordered so that a
 * mount never hides one that came before it: by depth, the usual ones first.
 *
 * @param systemd where the systemd is that runs in it
 * @throws OnggiError `invalid`
 */
export function specMounts(
  options: ContainerOptions,
  facts: Pick<SpecFacts, 'files' | 'volumes' | 'joined' | 'images' | 'ordinaryUser' | 'systemdCgroup' | 'warn'>,
  systemd: 'no' | 'image' | 'machine' = 'no',
): Mount[] {
  const { files, volumes, images, joined, ordinaryUser } = facts;
  const asked = (options.mounts ?? []).map((mount) => {
    if (mount.type === 'bind') return bind(mount);
    if (mount.type === 'tmpfs') return tmpfs(mount);
    if (mount.type === 'image') return imageMount(mount, images(mount));
    const facts = volumes(mount.name ?? '');
    const made = volumeMount(mount, mountTarget(mount.target), facts);
    // Kept with the ids that they have inside, so that others with other maps can share it.
    const mapped =
      options.idMaps !== undefined &&
      !ordinaryUser &&
      mount.subpath === undefined &&
      made.type === 'bind' &&
      facts.shared === undefined;
    return mapped ? { ...made, options: [...(made.options ?? []), 'idmap'] } : made;
  });
  const places = checkTargets(options.mounts ?? []);
  const replaced = ({ destination }: Mount): boolean =>
    places.has(destination) ||
    ['/dev', '/sys/fs/cgroup'].some((above) => places.has(above) && destination.startsWith(`${above}/`));
  const usual = defaultMounts
    .flatMap((mount) => adjust(mount, options, joined))
    .flatMap((mount) =>
      systemd !== 'no' && mount.type === 'cgroup'
        ? systemdCgroupMounts(mount, facts.systemdCgroup, options, facts.warn)
        : mount,
    );
  const etc = [
    etcFile(files.resolv, '/etc/resolv.conf', options.readOnly),
    etcFile(files.hostname, '/etc/hostname', options.readOnly),
    etcFile(files.hosts, '/etc/hosts', options.readOnly),
  ];
  const kept = usual.filter((mount) => !replaced(mount));
  const rest = [
    ...etc.filter((mount) => !replaced(mount)),
    ...(systemd === 'no' ? [] : systemdMounts(places, systemd === 'machine')),
    ...asked,
  ];
  return [...kept, ...rest.toSorted((a, b) => depth(a) - depth(b))];
}

/** @returns where they are. @throws OnggiError `invalid` for a place that is none, or has two */
function checkTargets(mounts: NonNullable<ContainerOptions['mounts']>): Set<string> {
  const places = new Set<string>();
  for (const { target } of mounts) {
    const place = mountTarget(target);
    if (places.has(place)) throw new OnggiError('invalid', `Duplicate mount point: ${place}`);
    places.add(place);
  }
  return places;
}

/** What can be told of mounts by themselves. @throws OnggiError `invalid` */
export function checkMounts({ mounts = [], volumes = [] }: Pick<ContainerOptions, 'mounts' | 'volumes'>): void {
  checkTargets(mounts);
  for (const target of volumes) mountTarget(target);
  for (const mount of mounts) {
    if (mount.type === 'bind') bind(mount);
    if (mount.type === 'tmpfs') tmpfs(mount);
  }
}

function depth({ destination }: Mount): number {
  return destination.split('/').length;
}

/** Where a process has the shared memory of its container. */
export function foreignShm(pid: number): string {
  return `/proc/${pid}/root/dev/shm`;
}

/** A privileged container may write to sysfs and its cgroups. Shared memory is where the IPC namespace is. */
function adjust(
  mount: Mount,
  { privileged = false, ipcMode, shmSize = defaultShmSize }: ContainerOptions,
  joined: SpecFacts['joined'],
): Mount[] {
  const options = mount.options ?? [];
  if (mount.destination === '/dev/shm') {
    if (ipcMode === 'none') return [];
    const donor = joinedOf(ipcMode);
    if (donor !== undefined) {
      return [{ ...mount, type: 'bind', source: foreignShm(joined.get(donor) ?? 0), options: ['rbind', 'rprivate'] }];
    }
    if (ipcMode === 'host') return [{ ...mount, type: 'bind', source: '/dev/shm', options: ['rbind', 'rprivate'] }];
    return [{ ...mount, options: [...options, `size=${Math.ceil(shmSize / 1024)}k`] }];
  }
  if (privileged && (mount.type === 'sysfs' || mount.type === 'cgroup')) {
    return [{ ...mount, options: options.map((word) => (word === 'ro' ? 'rw' : word)) }];
  }
  return [mount];
}

/** As read-only as the root file system that it is part of. */
function etcFile(source: string, destination: string, readOnly = false): Mount {
  return { destination, type: 'bind', source, options: ['rbind', 'rprivate', ...(readOnly ? ['ro'] : [])] };
}

/** Read-only means the submounts too (mount_setattr(2), AT_RECURSIVE), as in Docker since version 25. */
function bind(mount: BindMount): Mount {
  if (!mount.source.startsWith('/')) {
    throw new OnggiError('invalid', `bind mount: the source "${mount.source}" is not an absolute path`);
  }
  return {
    destination: mountTarget(mount.target),
    type: 'bind',
    source: posix.normalize(mount.source),
    options: [...bindWords(mount), mount.propagation],
  };
}

function imageMount({ target, readOnly }: ImageMount, source: string): Mount {
  const options = ['rbind', ...(readOnly ? ['rro'] : []), 'rprivate', 'nosuid', 'nodev'];
  return { destination: mountTarget(target), type: 'bind', source, options };
}

function bindWords({ readOnly, submounts }: BindMount): string[] {
  if (submounts === 'none') return ['bind', ...(readOnly ? ['ro'] : [])];
  if (!readOnly) return ['rbind'];
  return ['rbind', submounts === 'writable' ? 'ro' : 'rro'];
}

/** Keys of tmpfs(5) that a user may set. */
const tmpfsKeys = /^(?:size|mode|uid|gid|nr_inodes|nr_blocks|mpol|huge)=[^=]+$/;

/** Words of mount(8) that moby takes for one (pkg/mount); the file system's own ones have values. */
const tmpfsWords: ReadonlySet<string> = new Set(
  `defaults ro rw suid nosuid dev nodev exec noexec sync async dirsync mand nomand atime noatime diratime nodiratime
  relatime norelatime strictatime nostrictatime private rprivate shared rshared slave rslave unbindable runbindable
  noswap tmpcopyup`.split(/\s+/),
);

function tmpfs(mount: TmpfsMount): Mount {
  const words = mount.options.split(',').filter((word) => word !== '');
  for (const word of words) {
    if (!tmpfsKeys.test(word) && !tmpfsWords.has(word)) {
      throw new OnggiError('invalid', `tmpfs "${mount.target}": invalid option "${word}"`);
    }
  }
  return {
    destination: mountTarget(mount.target),
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['noexec', 'nosuid', 'nodev', ...words],
  };
}

/** @throws OnggiError `invalid` */
export function mountTarget(path: string): string {
  const clean = posix.normalize(path).replace(/(?<=.)\/$/, '');
  if (!clean.startsWith('/') || clean === '/') {
    throw new OnggiError('invalid', `invalid mount path "${path}": it must be absolute and not "/"`);
  }
  return clean;
}

/**
 * A container whose first process is systemd, with what that wants of its place (systemd.io/CONTAINER_INTERFACE), as
 * Podman gives it: tmpfs where it writes, its own cgroup to write in, and to be told that it is in a container. Pure.
 */
import { posix } from 'node:path';
import { OnggiError } from '../../errors.ts';
import type { Mount } from '../../oci/runtime-spec.ts';
import type { CgroupLayout } from '../../runtime/cgroup/hierarchy.ts';
import type { ContainerOptions } from '../types.ts';

/** What systemd calls a clean end: it stops its services (systemd(1), "Signals"). */
export const systemdStopSignal = 'SIGRTMIN+3';

const inits: ReadonlySet<string> = new Set(['/sbin/init', '/usr/sbin/init', '/usr/local/sbin/init']);

/** @param args the command line of its first process */
export function runsSystemd({ systemd, init }: ContainerOptions, args: readonly string[]): boolean {
  if (systemd !== undefined) return systemd === 'always';
  // With an init of ours systemd is not the first process.
  if (init === true) return false;
  // Builders put a shell before it.
  const [command = ''] = args.length > 2 && args[0] === '/bin/sh' && args[1] === '-c' ? args.slice(2) : args;
  return inits.has(command) || posix.basename(command) === 'systemd';
}

/** @throws OnggiError `invalid` */
export function checkSystemd({ systemd, init }: ContainerOptions): void {
  if (systemd !== 'always' || init !== true) return;
  throw new OnggiError(
    'invalid',
    'conflicting options: --init and --systemd=always: both want to be the first process',
  );
}

/** Where its cgroup is written to: all of version 2, or of version 1 the hierarchy that has its name. */
export type SystemdCgroup = 'unified' | 'named' | null;

export function systemdCgroup({ mode, legacy }: Pick<CgroupLayout, 'mode' | 'legacy'>): SystemdCgroup {
  if (mode === 'unified') return 'unified';
  return legacy.some(({ name, options }) => name === 'systemd' && options === 'name=systemd') ? 'named' : null;
}

/**
 * Besides the cgroups: where it keeps its state, as the image has it. What a running machine has there is not for
 * another: sockets of services, locks, whatever its users keep in /tmp.
 *
 * @param taken where the user has something mounted
 * @param machine the image is the machine itself
 */
export function systemdMounts(taken: ReadonlySet<string>, machine: boolean): Mount[] {
  return ['/run', '/run/lock', '/tmp', '/var/log/journal']
    .filter((destination) => !taken.has(destination))
    .map((destination) => ({
      destination,
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['rw', 'rprivate', 'nosuid', 'nodev', ...(machine ? [] : ['tmpcopyup'])],
    }));
}

/**
 * The usual mount of the cgroups, to be written in where systemd does.
 *
 * @throws OnggiError `unsupported` when it was asked for and can't be had
 */
export function systemdCgroupMounts(
  mount: Mount,
  place: SystemdCgroup,
  { systemd }: ContainerOptions,
  warn: (message: string) => void,
): Mount[] {
  const { destination, options = [] } = mount;
  if (place === 'unified') return [{ ...mount, options: options.map((word) => (word === 'ro' ? 'rw' : word)) }];
  if (place === 'named') {
    // It is the own cgroup of the container; the hierarchies of the controllers stay as they are.
    return [mount, { destination: `${destination}/systemd`, type: 'none', options: ['remount', 'bind', 'rw'] }];
  }
  const message = '--systemd: this machine has no cgroup hierarchy of systemd, which it needs';
  if (systemd === 'always') {
    throw new OnggiError('unsupported', message, {
      hint: 'As root: mkdir /sys/fs/cgroup/systemd && mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd',
    });
  }
  warn(message);
  return [mount];
}

/** The ID is how the container calls itself on its machine (machine-id(5)). */
export function systemdEnvironment(id: string): string[] {
  return ['container=onggi', `container_uuid=${id.slice(0, 32)}`];
}

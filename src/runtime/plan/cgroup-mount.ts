/** A mount of the type "cgroup": the container's own cgroups, whatever the machine has of them. Pure. */
import { type MountOptions, mountBits } from './mount-options.ts';
import type { MountContext } from './mounts.ts';
import type { InitStep } from './steps.ts';

/**
 * With a cgroup namespace the hierarchies are mounted anew, and show the container's own cgroup as their root. Without
 * one the same is had by binding the container's directories.
 */
export function compileCgroupMount(target: string, options: MountOptions, context: MountContext): InitStep[] {
  const { cgroups } = context;
  if (options.data.length > 0) {
    context.warn(`mount options "${options.data.join(',')}" of the cgroups on "${target}" have no effect`);
  }
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
    words: options.flags.words.filter((word) => word !== 'ro'),
  };
  return [
    {
      op: 'mount',
      fstype: 'tmpfs',
      source: 'cgroup',
      target,
      flags: writable,
      data: 'mode=755',
      optional: false,
    },
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

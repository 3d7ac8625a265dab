/** All bundles, and the differences that any of them shows. */
import type { Bundle, Difference } from './bundle.ts';
import { mountBundles } from './bundles-mount.ts';
import { namespaceBundles } from './bundles-namespace.ts';
import { processBundles } from './bundles-process.ts';
import { resourceBundles } from './bundles-resource.ts';
import { securityBundles } from './bundles-security.ts';

export const bundles: readonly Bundle[] = [
  ...processBundles,
  ...mountBundles,
  ...namespaceBundles,
  ...resourceBundles,
  ...securityBundles,
];

/** Differences that any bundle shows. */
export const generalDifferences: readonly Difference[] = [
  {
    runtime: 'runc',
    field: 'mounts./sys.super',
    why: 'runc mounts a new sysfs as a whole read-only, not this mount of it',
  },
  {
    runtime: 'runc',
    field: 'sessionKeyring',
    why: 'runc names the session keyring after the container and opens it to it',
  },
  { runtime: 'crun', field: 'sessionKeyring', why: 'crun names the session keyring after the container' },
  {
    runtime: 'crun',
    field: 'left.*',
    why: 'crun gives mount points that it makes other modes: 1755 to directories, 0700 to files',
  },
  { runtime: 'crun', field: 'state.*.owner', why: 'crun names the owner where runc leaves it empty for root' },
  { runtime: 'crun', field: 'state.*.rootfs', why: 'crun tells root.path as config.json has it' },
  {
    runtime: 'runc',
    field: 'mounts./sys/fs/cgroup.source',
    why: 'runc calls the tmpfs of the hierarchies "tmpfs", not as config.json does',
  },
  {
    runtime: 'crun',
    field: 'mounts./sys/fs/cgroup.super',
    why: 'crun gives the tmpfs of the hierarchies another size',
  },
  ...(['runc', 'crun'] as const).map((runtime) => ({
    runtime,
    field: 'mounts./sys/fs/cgroup.options',
    why: `${runtime} leaves the directory of the hierarchies writable in a new cgroup namespace, though "ro" is asked for`,
  })),
  {
    runtime: 'crun',
    field: 'mounts./sys/fs/cgroup/*.source',
    why: 'crun names the hierarchy by its path on the machine where the others call it "cgroup"',
  },
  { runtime: 'runc', field: 'mounts./sys/fs/cgroup/systemd.source', why: 'runc gives the named hierarchy its name' },
  { runtime: 'crun', field: 'state.*.systemd-scope', why: 'a field of crun alone' },
];

/** The config.json that `spec` writes, to begin with: that of `runc spec`. Pure. */
import type { Mount, NamespaceName, Spec } from '../oci/runtime-spec.ts';
import { defaultMounts, defaultPath, maskedPaths, oldestVersion, readonlyPaths } from '../runtime/defaults.ts';

const capabilities = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];

/** What a mount has here beyond what Docker gives it. */
const extraOptions: Readonly<Record<string, readonly string[]>> = {
  '/proc': [],
  '/dev/shm': ['size=65536k'],
  '/sys/fs/cgroup': ['relatime'],
};

export type SpecFacts = {
  /** cgroup v2 alone: then a container gets a cgroup namespace. */
  readonly unified: boolean;
  /** For a container without privileges: the ids that become root's inside. */
  readonly rootless: { readonly uid: number; readonly gid: number } | null;
};

export function defaultSpec({ unified, rootless }: SpecFacts): Spec {
  const namespaces: NamespaceName[] = [
    'pid',
    ...(rootless === null ? (['network'] as const) : []),
    'ipc',
    'uts',
    'mount',
  ];
  if (unified) namespaces.push('cgroup');
  if (rootless !== null) namespaces.push('user');
  return {
    ociVersion: oldestVersion,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: [`PATH=${defaultPath}`, 'TERM=xterm'],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'onggi',
    mounts: rootless === null ? privilegedMounts() : rootlessMounts(),
    linux: {
      ...(rootless === null
        ? { resources: { devices: [{ allow: false, access: 'rwm' }] } }
        : {
            uidMappings: [{ containerID: 0, hostID: rootless.uid, size: 1 }],
            gidMappings: [{ containerID: 0, hostID: rootless.gid, size: 1 }],
          }),
      namespaces: namespaces.map((type) => ({ type })),
      maskedPaths,
      readonlyPaths,
    },
  };
}

function privilegedMounts(): Mount[] {
  return defaultMounts.map((mount) => {
    const extra = extraOptions[mount.destination] ?? [];
    return { ...mount, options: [...(mount.options ?? []), ...extra] };
  });
}

/**
 * One mapped id is all there is, so no mount may name another; the host's /sys is bound, because a new one takes
 * privileges over a network namespace.
 */
function rootlessMounts(): Mount[] {
  const kept = privilegedMounts().filter(({ destination }) => !destination.startsWith('/sys'));
  const mounts = kept.map((mount) => ({
    ...mount,
    options: (mount.options ?? []).filter((option) => !/^[ug]id=/.test(option)),
  }));
  const options = ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'];
  return [...mounts, { destination: '/sys', type: 'none', source: '/sys', options }];
}

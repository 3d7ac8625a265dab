/** What is different about the config.json of an ordinary user's container. Pure. */
import type { UserMaps } from '../../image/id-map.ts';
import { type IdRange, mappedCount } from '../../kernel/subordinate-ids.ts';
import type { IdMap, Mount, Spec } from '../../oci/runtime-spec.ts';

export type { UserMaps };

/**
 * It has a user namespace in which the user itself is root.
 * @param joined process whose user namespace it is, because other namespaces are shared with it: they belong to that one
 */
export function rootlessSpec(spec: Spec, { uids, gids }: UserMaps, joined?: number): Spec {
  const { linux = {} } = spec;
  const groups = mappedCount(gids);
  return {
    ...spec,
    mounts: (spec.mounts ?? []).map((mount) => (mount.type === 'devpts' ? withoutGroup(mount, groups) : mount)),
    linux: {
      ...linux,
      namespaces: [
        ...(linux.namespaces ?? []),
        { type: 'user', ...(joined !== undefined && { path: `/proc/${joined}/ns/user` }) },
      ],
      ...(joined === undefined && { uidMappings: uids.map(mapping), gidMappings: gids.map(mapping) }),
      sysctl: sysctls(linux.sysctl ?? {}, groups),
    },
  };
}

function mapping({ containerId: containerID, hostId: hostID, size }: IdRange): IdMap {
  return { containerID, hostID, size };
}

/** The group "tty" of terminals may be none here; then they have that of whoever opens them. */
function withoutGroup(mount: Mount, groups: number): Mount {
  const isKnown = (option: string): boolean => !option.startsWith('gid=') || Number(option.slice(4)) < groups;
  return { ...mount, options: (mount.options ?? []).filter(isKnown) };
}

const pingGroups = 'net.ipv4.ping_group_range';

/** The kernel takes no group there that the namespace does not know (ip-sysctl.rst). */
function sysctls(given: Readonly<Record<string, string>>, groups: number): Record<string, string> {
  return given[pingGroups] === '0 2147483647' ? { ...given, [pingGroups]: `0 ${groups - 1}` } : { ...given };
}

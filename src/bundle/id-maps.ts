/** What a user namespace maps when config.json leaves it to the runtime, as that of `crun spec --rootless` does. Acts. */
import { mapsOf } from '../kernel/user-namespace.ts';
import type { IdMap, Spec } from '../oci/runtime-spec.ts';
import type { HostFacts } from '../runtime/plan/compile.ts';

/**
 * The container's root is the caller, and the ids behind are those that /etc/subuid and /etc/subgid grant to it, as with
 * crun; the caller alone when it is root, whose other ids would be the machine's.
 */
export function withIdMaps(spec: Spec, { unprivileged }: HostFacts): Spec {
  const { linux = {} } = spec;
  const fresh = linux.namespaces?.some(({ type, path }) => type === 'user' && !path) === true;
  if (!fresh || linux.uidMappings?.length || linux.gidMappings?.length) return spec;
  const { uids, gids } = unprivileged === undefined ? { uids: [root], gids: [root] } : mapsOf(unprivileged);
  return { ...spec, linux: { ...linux, uidMappings: uids.map(idMapOf), gidMappings: gids.map(idMapOf) } };
}

const root = { containerId: 0, hostId: 0, size: 1 };

function idMapOf({ containerId, hostId, size }: typeof root): IdMap {
  return { containerID: containerId, hostID: hostId, size };
}

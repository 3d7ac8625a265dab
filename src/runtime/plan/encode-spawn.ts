/** How the init comes to be, in bytes. Pure. */
import { cloneFlags } from './numbers.ts';
import type { CgroupPlacement, NamespaceType, Spawn } from './steps.ts';
import type { Writer } from './writer.ts';

/** <linux/time.h> */
const clocks = { monotonic: 1, boottime: 7 } as const;

export function writeSpawn(out: Writer, spawn: Spawn): void {
  if (spawn.kind === 'join') {
    out.u32(spawn.pid);
    out.u64(spawn.startTime);
    out.u32(cloneBits(spawn.namespaces));
    writePlacement(out, spawn.cgroups);
    out.optionalString(spawn.keyring === undefined ? '' : spawn.keyring);
    return;
  }
  // The cgroup namespace is unshared later, by a step of its own (see steps.ts).
  out.u32(cloneBits(spawn.namespaces.filter((type) => type !== 'cgroup')));
  out.list(spawn.join, (namespace) => {
    out.u32(cloneFlags[namespace.type]);
    out.string(namespace.path);
    out.bool(namespace.foreign === true);
  });
  writePlacement(out, spawn.cgroups);
  out.list(spawn.timeOffsets, (offset) => {
    out.u32(clocks[offset.clock]);
    out.i64(offset.secs);
    out.u32(offset.nanosecs);
  });
  out.optionalString(spawn.keyring === undefined ? '' : spawn.keyring);
}

function writePlacement(out: Writer, cgroups: CgroupPlacement): void {
  out.optionalString(cgroups.unified);
  out.strings(cgroups.legacy);
}

function cloneBits(types: readonly NamespaceType[]): number {
  return types.reduce((bits, type) => bits | cloneFlags[type], 0) >>> 0;
}

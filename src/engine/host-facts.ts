/** What the plan's compiler has to know of this machine. */
import { effectiveCapabilities } from '../kernel/process-identity.ts';
import { readCgroupLayout } from '../runtime/cgroup/layout.ts';
import type { HostFacts } from '../runtime/plan/compile.ts';
import { architectureOf } from '../runtime/seccomp/architecture.ts';

/** @param cgroupsPath the container's, because v1 cpusets are inherited from what lies above it */
export function hostFacts(cgroupsPath: string): HostFacts {
  return {
    cgroups: readCgroupLayout(cgroupsPath),
    capabilities: effectiveCapabilities(),
    architecture: architectureOf(process.arch),
  };
}

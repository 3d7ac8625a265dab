/** What the plan's compiler has to know of this machine. */
import { effectiveCapabilities } from '../kernel/process-identity.ts';
import { type CgroupLayout, cgroupDirectories, readCgroupLayout } from '../runtime/cgroup/layout.ts';
import type { HostFacts } from '../runtime/plan/compile.ts';
import type { CgroupPlacement } from '../runtime/plan/steps.ts';
import { hostArchitecture } from '../runtime/seccomp/architecture.ts';

export function hostFacts(): HostFacts {
  return {
    cgroups: readCgroupLayout(),
    capabilities: effectiveCapabilities(),
    architecture: hostArchitecture(process.arch),
  };
}

/** What the plan's compiler has to know of this machine. */
import { effectiveCapabilities } from '../kernel/process-identity.ts';
import { readCgroupLayout } from '../runtime/cgroup/layout.ts';
import type { HostFacts } from '../runtime/plan/compile.ts';
import { architectureOf } from '../runtime/seccomp/architecture.ts';

export function hostFacts(): HostFacts {
  return {
    cgroups: readCgroupLayout(),
    capabilities: effectiveCapabilities(),
    architecture: architectureOf(process.arch),
  };
}

/** What the plan's compiler has to know of this machine. */
import { effectiveCapabilities } from '../kernel/process-identity.ts';
import { readCgroupLayout } from './cgroup/layout.ts';
import type { HostFacts } from './plan/compile.ts';
import { architectureOf } from './seccomp/architecture.ts';

export function hostFacts(): HostFacts {
  return {
    cgroups: readCgroupLayout(),
    capabilities: effectiveCapabilities(),
    architecture: architectureOf(process.arch),
  };
}

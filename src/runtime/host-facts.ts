/** What the plan's compiler has to know of this machine. */
import { effectiveCapabilities } from '../kernel/process-identity.ts';
import { unprivileged } from '../kernel/user-namespace.ts';
import { readCgroupLayout } from './cgroup/layout.ts';
import type { HostFacts } from './plan/compile.ts';
import { architectureOf } from './seccomp/architecture.ts';

export function hostFacts(): HostFacts {
  const user = unprivileged();
  return {
    cgroups: readCgroupLayout(),
    capabilities: effectiveCapabilities(),
    architecture: hostArchitecture(),
    ...(user !== undefined && { unprivileged: user }),
  };
}

export function hostArchitecture(): HostFacts['architecture'] {
  return architectureOf(process.arch);
}

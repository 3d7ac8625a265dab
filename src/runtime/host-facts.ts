/** What the plan's compiler has to know of this machine. */
import { existsSync } from 'node:fs';
import { effectiveCapabilities } from '../kernel/process-identity.ts';
import { readCgroupLayout } from './cgroup/layout.ts';
import type { HostFacts } from './plan/compile.ts';
import { architectureOf } from './seccomp/architecture.ts';

export function hostFacts(): HostFacts {
  return {
    cgroups: readCgroupLayout(),
    capabilities: effectiveCapabilities(),
    architecture: architectureOf(process.arch),
    ...unprivileged(),
  };
}

/** Where Debian and others install them; PATH is not asked, it is the caller's to change. */
const mappers = { uid: '/usr/bin/newuidmap', gid: '/usr/bin/newgidmap' };

function unprivileged(): Pick<HostFacts, 'unprivileged'> {
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  if (uid === 0) return {};
  const helpers = existsSync(mappers.uid) && existsSync(mappers.gid) ? mappers : null;
  return { unprivileged: { uid, gid, helpers } };
}

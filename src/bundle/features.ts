/**
 * `features`: what of the specification is implemented, whatever of it this machine can do (features.md,
 * features-linux.md). All lists are those by which config.json is read. Pure.
 */
import { seccompOperators } from '../oci/runtime-schema-linux.ts';
import { ociVersion } from '../oci/runtime-spec.ts';
import { allCapabilities } from '../runtime/capability.ts';
import { mountOptionWords } from '../runtime/plan/mount-options.ts';
import { namespaceNames } from '../runtime/plan/namespaces.ts';
import { hookKinds } from '../runtime/plan/steps.ts';
import { filteredArchitectures } from '../runtime/seccomp/abi.ts';
import { actionNames, flagNames } from '../runtime/seccomp/action.ts';
import { version } from '../version.ts';
import { hookKindsOutside } from './hook-kind.ts';

/** What is older than this is not compatible with version 1 of the specification. */
const ociVersionMin = '1.0.0';

export function features(): Readonly<Record<string, unknown>> {
  return {
    ociVersionMin,
    ociVersionMax: ociVersion,
    hooks: [...hookKinds, ...hookKindsOutside],
    mountOptions: mountOptionWords(),
    linux: {
      namespaces: namespaceNames,
      capabilities: allCapabilities,
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: false, rdma: true },
      seccomp: {
        enabled: true,
        actions: [...actionNames].sort(),
        operators: [...seccompOperators].sort(),
        archs: [...filteredArchitectures].sort(),
        knownFlags: flagNames,
        supportedFlags: flagNames,
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: true },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: true },
    },
    annotations: { 'run.onggi.version': version },
  };
}

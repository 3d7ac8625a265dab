/** From a bundle to the plan of its container. Acts: looks up ids. */

import type { NetlinkStep } from '../kernel/netlink-step.ts';
import { loopbackStep } from '../network/veth.ts';
import type { Spec } from '../oci/runtime-spec.ts';
import type { Cgroup } from '../runtime/cgroup/cgroup.ts';
import type { Scope } from '../runtime/cgroup/systemd-scope.ts';
import { type Compiled, compile, type HostFacts } from '../runtime/plan/compile.ts';
import type { InnerNetlinkStep } from '../runtime/plan/steps.ts';
import { withIdMaps } from './id-maps.ts';

export type PlanRequest = {
  readonly host: HostFacts;
  readonly id: string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly spec: Spec;
  readonly cgroup: Cgroup;
  readonly scope: Scope | null;
  /** The parent stays until the container ends; else a start socket is made there. */
  readonly startFifo: string | 'stay';
  readonly consoleSocket: boolean;
  /** How many descriptors become 3 and up. */
  readonly preserve: number;
  readonly noPivot: boolean;
  readonly keyring: string | null;
  /** Of its seccomp profile, where it has one. */
  readonly filter: Uint8Array<ArrayBuffer> | undefined;
  /** That give it the machine's network devices which it asks for. */
  readonly devices: readonly (NetlinkStep | InnerNetlinkStep)[];
};

/** @throws OnggiError `invalid`, `unsupported`, naming the field */
export function compileContainer(request: PlanRequest): Compiled {
  const stay = request.startFifo === 'stay';
  return compile(withIdMaps(request.spec, request.host), {
    host: request.host,
    keeper: {
      kind: 'launcher',
      id: request.id,
      consoleSocket: request.consoleSocket,
      preserve: request.preserve,
      stay,
      startFifo: stay ? null : request.startFifo,
    },
    bundle: request.bundle,
    root: { kind: 'directory', path: request.rootfs },
    cgroup: request.cgroup,
    cgroupKeeping: { systemd: request.scope !== null },
    network: { attach: request.devices, init: hasOwnNetwork(request.spec) ? [loopbackStep()] : [] },
    createSources: [],
    reaper: false,
    waitForStart: true,
    noPivot: request.noPivot,
    keyring: request.keyring,
    ...(request.filter !== undefined && { filter: request.filter }),
    resctrl: true,
  });
}

/** The links of a new network namespace are the engine's business, its hooks make them; but lo is up, as with runc. */
function hasOwnNetwork({ linux }: Spec): boolean {
  return (linux?.namespaces ?? []).some(({ type, path }) => type === 'network' && !path);
}

/** The filter of system calls for a further process of a container; by itself, because it is seldom compiled anew. Pure. */
import type { Seccomp } from '../../oci/runtime-spec.ts';
import type { SeccompArchitecture } from '../seccomp/architecture.ts';
import { compileSeccomp } from '../seccomp/compile.ts';
import { processState, type StateFacts } from './container-state.ts';
import type { InitStep } from './steps.ts';

/**
 * @param container what an agent is told of it
 * @param pid of its first process
 * @throws OnggiError `invalid` or `unsupported`
 */
export function execFilter(
  seccomp: Seccomp | undefined,
  machine: SeccompArchitecture,
  container: StateFacts,
  pid: number,
): InitStep[] {
  if (seccomp === undefined) return [];
  return compileSeccomp(seccomp, machine, { state: (metadata) => processState(container, pid, metadata) });
}

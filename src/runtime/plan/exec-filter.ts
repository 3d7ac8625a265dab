/** The filter of system calls for a further process of a container; by itself, because it is seldom compiled anew. Pure. */
import type { Seccomp } from '../../oci/runtime-spec.ts';
import type { SeccompArchitecture } from '../seccomp/architecture.ts';
import { compileFilter } from '../seccomp/compile.ts';
import { precompiledFilter } from '../seccomp/precompiled.ts';
import { seccompStep } from '../seccomp/step.ts';
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
  const program = precompiledFilter(seccomp, machine) ?? compileFilter(seccomp, machine);
  return [seccompStep(seccomp, program, { state: (metadata) => processState(container, pid, metadata) })];
}

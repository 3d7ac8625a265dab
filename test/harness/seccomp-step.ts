/** Filters as whoever starts a container makes them, in one go. */
import type { Seccomp, Spec } from '../../src/oci/runtime-spec.ts';
import type { CompileContext } from '../../src/runtime/plan/compile.ts';
import type { InitStep } from '../../src/runtime/plan/steps.ts';
import type { SeccompArchitecture } from '../../src/runtime/seccomp/architecture.ts';
import { compileFilter } from '../../src/runtime/seccomp/compile.ts';
import { precompiledFilter } from '../../src/runtime/seccomp/precompiled.ts';
import { type AgentFacts, seccompStep } from '../../src/runtime/seccomp/step.ts';

function programOf(seccomp: Seccomp, machine: SeccompArchitecture): Uint8Array<ArrayBuffer> {
  return precompiledFilter(seccomp, machine) ?? compileFilter(seccomp, machine);
}

export function compileSeccomp(seccomp: Seccomp, machine: SeccompArchitecture, agent: AgentFacts): InitStep[] {
  return [seccompStep(seccomp, programOf(seccomp, machine), agent)];
}

/** What the compiler of plans is given beside a config.json. */
export function filterFor({ linux }: Spec, machine: SeccompArchitecture): Pick<CompileContext, 'filter'> {
  return linux?.seccomp === undefined ? {} : { filter: programOf(linux.seccomp, machine) };
}

/** The step that attaches the filter of a seccomp profile. Pure. */
import { OnggiError } from '../../errors.ts';
import type { Seccomp } from '../../oci/runtime-spec.ts';
import type { InitStep } from '../plan/steps.ts';
import { flagNumber, inWords, notifies } from './action.ts';

/** What an agent is told of the container whose calls it answers. */
export type AgentFacts = {
  /** Container process state (config-linux.md) as JSON, for this `metadata`; `pidMark` stands where a pid belongs. */
  readonly state: (metadata: string | undefined) => string;
};

/** @param program of the profile (`filterOf`). @throws OnggiError `invalid` or `unsupported` */
export function seccompStep(seccomp: Seccomp, program: Uint8Array<ArrayBuffer>, agent: AgentFacts): InitStep {
  const listener = listenerOf(seccomp, agent);
  const count = seccomp.syscalls?.reduce((sum, rule) => sum + rule.names.length, 0) ?? 0;
  const what = `rules for ${count} of them, the others ${inWords(seccomp.defaultAction)}`;
  return { op: 'seccomp', flags: flagNumber(seccomp.flags ?? [], listener !== null), program, what, listener };
}

/** Who answers for SCMP_ACT_NOTIFY. A path that no rule needs is ignored, as config-linux.md says. */
function listenerOf(seccomp: Seccomp, agent: AgentFacts): { path: string; state: string } | null {
  const path = seccomp.listenerPath || undefined;
  const metadata = seccomp.listenerMetadata || undefined;
  if (path === undefined && metadata !== undefined) {
    throw new OnggiError('invalid', 'seccomp: listenerMetadata is given without a listenerPath');
  }
  const listens = notifies(seccomp.defaultAction) || seccomp.syscalls?.some(({ action }) => notifies(action)) === true;
  if (!listens) return null;
  if (path === undefined) {
    throw new OnggiError('invalid', 'seccomp: a rule says "SCMP_ACT_NOTIFY", but there is no listenerPath', {
      hint: 'name the socket of the agent that is to answer in linux.seccomp.listenerPath',
    });
  }
  if (!path.startsWith('/')) {
    throw new OnggiError('invalid', `seccomp: the listenerPath "${path}" is not an absolute path`);
  }
  return { path, state: agent.state(metadata) };
}

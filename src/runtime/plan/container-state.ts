/** What a seccomp agent is told of a container (runtime.md, "State"; config-linux.md). Pure. */
import { ociVersion } from '../../oci/runtime-spec.ts';

/**
 * Stands where a process id belongs that nobody knows before the process exists; C writes the number there. JSON keeps
 * control characters escaped, so no string of a state can hold it.
 */
const pidMark = '\u0001';

export type StateFacts = {
  readonly id: string;
  /** Absolute path of the bundle. */
  readonly bundle: string;
  readonly annotations: Readonly<Record<string, string>>;
};

/** @param pid of the container's init, null where it is not known yet */
function containerState(facts: StateFacts, status: 'creating' | 'running', pid: number | null): string {
  const { id, bundle, annotations } = facts;
  const head = JSON.stringify({ ociVersion, id, status }).slice(0, -1);
  return `${head},"pid":${pid ?? pidMark},"bundle":${JSON.stringify(bundle)},"annotations":${JSON.stringify(annotations)}}`;
}

/**
 * Container process state, as a seccomp agent gets it beside the listener (config-linux.md, "containerprocessstate").
 *
 * @param pid of the container's init where the process is another one (`exec`), null where it is the init itself
 */
export function processState(facts: StateFacts, pid: number | null, metadata: string | undefined): string {
  const head = JSON.stringify({ ociVersion, fds: ['seccompFd'] }).slice(0, -1);
  const told = metadata === undefined ? '' : `,"metadata":${JSON.stringify(metadata)}`;
  return `${head},"pid":${pidMark}${told},"state":${containerState(facts, pid === null ? 'creating' : 'running', pid)}}`;
}

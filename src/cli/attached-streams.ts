/** Which streams `run` and `create` attach to. Pure. */

import type { ContainerFlags } from './container-flags.ts';

export type Streams = { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };

/** Nothing is relayed where the container has the stdio of this process. */
export const noStreams: Streams = { stdin: false, stdout: false, stderr: false };

/** Docker's rule: what `-a` names, else all output; and the input that `-i` asks for, whatever `-a` names. */
export function attachedStreams({ attach, interactive }: Pick<ContainerFlags, 'attach' | 'interactive'>): Streams {
  if (attach.length === 0) return { stdin: interactive, stdout: true, stderr: true };
  return {
    stdin: interactive,
    stdout: attach.includes('stdout'),
    stderr: attach.includes('stderr'),
  };
}

export function attachedNames(streams: Streams): ('stdin' | 'stdout' | 'stderr')[] {
  return (['stdin', 'stdout', 'stderr'] as const).filter((name) => streams[name]);
}

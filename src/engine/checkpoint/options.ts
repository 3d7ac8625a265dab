/** What criu is allowed for all containers of the engine. Pure. */
import type { CriuOptions } from '../../criu/command.ts';

/** @param work where criu writes its log; both paths absolute */
export function criuOptions(images: string, work: string): CriuOptions {
  return {
    images,
    work,
    // Connections go on where the container gets its address again.
    tcpEstablished: true,
    externalUnixSockets: true,
    shellJob: false,
    fileLocks: true,
    cgroups: 'soft',
    emptyNetwork: false,
    autoDedup: false,
    lazyPages: false,
  };
}

/** What criu is allowed for all containers of the engine. Pure. */
import { hasOwnNetwork } from '../../criu/external.ts';
import type { CriuOptions } from '../../criu/options.ts';
import type { Spec } from '../../oci/runtime-spec.ts';

/** @param work where criu writes its log; both paths absolute */
export function criuOptions(spec: Spec, images: string, work: string): CriuOptions {
  return {
    images,
    work,
    // Connections go on where the container gets its address again.
    tcpEstablished: true,
    externalUnixSockets: true,
    shellJob: false,
    fileLocks: true,
    cgroups: 'soft',
    // The shim sets the network up anew, in a namespace that criu has made.
    emptyNetwork: hasOwnNetwork(spec),
    autoDedup: false,
    lazyPages: false,
  };
}

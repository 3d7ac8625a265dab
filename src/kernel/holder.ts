/** A process that does nothing but be there (native/shim/main.c, --hold). */
import { native, shimPath } from './addon.ts';
import { ownDescriptor } from './descriptor.ts';

export interface Holder extends Disposable {
  readonly pid: number;
}

/**
 * Starts one that ends when it is disposed of, or when this process ends, however that happens.
 * @param id what it is for, to be seen in `ps`
 * @throws OnggiError `not-found` when the shim is not installed
 */
export function startHolder(id: string): Holder {
  const path = shimPath();
  using executable = native(`prepare "${path}"`, (calls) => ownDescriptor(calls.sealedExecutable(path)));
  const [ours, theirs] = native('make a channel', (calls) => calls.packetPair());
  using _ = ownDescriptor(theirs);
  const channel = ownDescriptor(ours);
  try {
    const pid = native(`start "${path}"`, (calls) =>
      calls.spawn(executable.fd, ['onggi-shim', '--hold', id], [], [theirs]),
    );
    let ended = false;
    return {
      pid,
      [Symbol.dispose]() {
        if (ended) return;
        ended = true;
        channel[Symbol.dispose]();
        native(`wait for the holder of "${id}"`, (calls) => calls.waitProcess(pid));
      },
    };
  } catch (error) {
    channel[Symbol.dispose]();
    throw error;
  }
}

/** Open descriptors as disposables, so that `using` closes them on every way out. */
import { native } from './addon.ts';

export type Descriptor = Disposable & { readonly fd: number };

/** Takes over `fd`: disposing of the result closes it, once. */
export function ownDescriptor(fd: number): Descriptor {
  let open = true;
  return {
    fd,
    [Symbol.dispose]() {
      if (!open) return;
      open = false;
      closeNow(fd);
    },
  };
}

/**
 * Several that are closed together. A DisposableStack would do, but its methods are JavaScript that the engine has to
 * compile: a thirtieth of what a short exec takes.
 */
export class Descriptors implements Disposable {
  #open: number[] = [];

  own(fd: number): number {
    this.#open.push(fd);
    return fd;
  }

  close(fd: number): void {
    closeNow(this.release(fd));
  }

  /** From now on the caller's. */
  release(fd: number): number {
    this.#open = this.#open.filter((other) => other !== fd);
    return fd;
  }

  /** Takes all of them over, so that they outlive the scope of this one. */
  move(): Descriptors {
    const moved = new Descriptors();
    moved.#open = this.#open;
    this.#open = [];
    return moved;
  }

  [Symbol.dispose](): void {
    const open = this.#open;
    this.#open = [];
    for (const fd of open) closeNow(fd);
  }
}

function closeNow(fd: number): void {
  native(`close descriptor ${fd}`, (addon) => addon.close(fd));
}

/** The same numbers on every architecture (<fcntl.h>); node:fs, which has names for them, takes a millisecond to load. */
const [currentDirectory, readWrite] = [-100, 2];

/** /dev/null, to read and to write, for the caller to close. */
export function openNull(): number {
  return native('open "/dev/null"', (calls) => calls.openat2(currentDirectory, '/dev/null', readWrite, 0, 0));
}

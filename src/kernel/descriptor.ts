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
      native(`close descriptor ${fd}`, (addon) => addon.close(fd));
    },
  };
}

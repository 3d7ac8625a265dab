/** Images of other architectures: what a program needs that this processor can't execute. Acts (binfmt_misc). */
import { existsSync } from 'node:fs';
import { OnggiError } from '../../errors.ts';
import { hostPlatform, type Platform } from '../../oci/platform.ts';

/** GOARCH to the name that QEMU and Debian's handlers have. */
const emulators: Readonly<Record<string, string>> = {
  amd64: 'x86_64',
  '386': 'i386',
  arm64: 'aarch64',
  arm: 'arm',
  ppc64le: 'ppc64le',
  s390x: 's390x',
  riscv64: 'riscv64',
  loong64: 'loongarch64',
};

/** What a kernel of one architecture executes of others. */
const compatible: Readonly<Record<string, readonly string[]>> = { amd64: ['386'], arm64: ['arm'] };

/** Whether the kernel has a handler (Documentation/admin-guide/binfmt-misc.rst) for programs of an architecture. */
function hasHandler(architecture: string): boolean {
  return existsSync(`/proc/sys/fs/binfmt_misc/qemu-${emulators[architecture] ?? architecture}`);
}

/**
 * The same error, with what would help, when it is a program of another architecture that could not be executed.
 * @param image the platform of the image
 */
export function withForeignHint(
  error: unknown,
  image: Platform,
  host: Platform = hostPlatform(),
  handled: (architecture: string) => boolean = hasHandler,
): unknown {
  const { architecture } = image;
  const own = architecture === host.architecture || compatible[host.architecture]?.includes(architecture) === true;
  if (own || !(error instanceof OnggiError) || error.code !== 'not-executable' || handled(architecture)) return error;
  const emulator = `qemu-${emulators[architecture] ?? architecture}`;
  return new OnggiError(error.code, error.message, {
    cause: error,
    hint:
      `The image is for linux/${architecture}, this machine is linux/${host.architecture} and has no handler "${emulator}" in ` +
      '/proc/sys/fs/binfmt_misc: install qemu-user-static and binfmt-support, or name another --platform.',
  });
}

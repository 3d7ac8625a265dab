/** Architectures of machines, as seccomp profiles name them. Pure. */
import { unsupported } from '../../errors.ts';

/** Architecture of the machine. */
export type SeccompArchitecture = 'x86_64' | 'aarch64';

/** The machine's own ABI and those that its kernel runs beside it, the own one first. */
export const architectureNames: Readonly<Record<SeccompArchitecture, readonly string[]>> = {
  x86_64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  aarch64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
};

/** The architecture by the name that `process.arch` gives it. @throws OnggiError `unsupported` */
export function architectureOf(processArch: string): SeccompArchitecture {
  if (processArch === 'x64') return 'x86_64';
  if (processArch === 'arm64') return 'aarch64';
  throw unsupported(`the architecture "${processArch}"`);
}

/** Sets of system calls: how the kernel tells them apart and how each numbers its calls. Pure. */
import { OnggiError, unsupported } from '../../errors.ts';
import { architectureNames, type SeccompArchitecture } from './architecture.ts';
import { aarch64, arm } from './syscalls-arm.ts';
import { i386, x32, x86_64 } from './syscalls-x86.ts';

/** One set of system call numbers. */
export type Abi = {
  /** AUDIT_ARCH_* (<linux/audit.h>), what seccomp_data.arch says. */
  readonly audit: number;
  /** Added to each number: x32 shares the AUDIT_ARCH of x86-64 and sets bit 30 (__X32_SYSCALL_BIT). */
  readonly base: number;
  /** Arguments are 64 bits wide. */
  readonly wide: boolean;
  /** Numbers without `base` by name. */
  readonly numbers: () => ReadonlyMap<string, number>;
};

export const auditX86 = 0xc000_003e;
/** __X32_SYSCALL_BIT. */
export const x32Bit = 0x4000_0000;

/** By the names of config-linux.md, "Seccomp". */
const abis: Readonly<Record<string, Abi>> = {
  SCMP_ARCH_X86_64: { audit: auditX86, base: 0, wide: true, numbers: once(x86_64) },
  SCMP_ARCH_X32: { audit: auditX86, base: x32Bit, wide: true, numbers: once(x32) },
  SCMP_ARCH_X86: { audit: 0x4000_0003, base: 0, wide: false, numbers: once(i386) },
  SCMP_ARCH_AARCH64: { audit: 0xc000_00b7, base: 0, wide: true, numbers: once(aarch64) },
  SCMP_ARCH_ARM: { audit: 0x4000_0028, base: 0, wide: false, numbers: once(arm) },
};

/** Those of config-linux.md that no machine of ours runs. A profile may name them: there is nothing to filter. */
const foreign = new Set(
  `MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 PPC64LE S390 S390X PARISC PARISC64 RISCV64
  LOONGARCH64 M68K SH SHEB`
    .split(/\s+/)
    .map((name) => `SCMP_ARCH_${name}`),
);

/** Those that filters are made for, as `features` lists them. */
export const filteredArchitectures: readonly string[] = Object.keys(abis);

/** @throws OnggiError `unsupported` */
export function abiOf(name: string): Abi {
  const abi = Object.hasOwn(abis, name) ? abis[name] : undefined;
  if (abi === undefined) throw unsupported(`the seccomp architecture "${name}"`);
  return abi;
}

/**
 * The ABIs that a filter is made for: the machine's own one always, even where a profile forgets it (as libseccomp
 * does), and those of the profile that the machine can run. A call of any other ends the process.
 *
 * @throws OnggiError `invalid` for a name that is none
 */
export function abisOf(given: readonly string[], machine: SeccompArchitecture): Abi[] {
  for (const name of given) {
    if (Object.hasOwn(abis, name) || foreign.has(name)) continue;
    throw new OnggiError('invalid', `seccomp: no such architecture "${name}"`);
  }
  return architectureNames[machine].filter((name, index) => index === 0 || given.includes(name)).map(abiOf);
}

/** Read on first use: a command that starts no container needs no table. */
function once(table: string): () => ReadonlyMap<string, number> {
  let numbers: ReadonlyMap<string, number> | undefined;
  return () => {
    numbers ??= parseTable(table);
    return numbers;
  };
}

function parseTable(table: string): Map<string, number> {
  const numbers = new Map<string, number>();
  let next = 0;
  for (const token of table.trim().split(/\s+/)) {
    if (/^\d+$/.test(token)) next = Number(token);
    else numbers.set(token, next++);
  }
  return numbers;
}

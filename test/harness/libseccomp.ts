/** libseccomp as the judge of the compiler: the same profile, its filter. Built when it is needed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Seccomp, SeccompSyscall } from '../../src/oci/runtime-spec.ts';
import { actionNumber } from '../../src/runtime/seccomp/action.ts';
import { repository } from './busybox-image.ts';

/** enum scmp_compare of <seccomp.h> */
const operators = ['', 'NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'];

/** SCMP_ARCH_*: the kernel's numbers, but for x32, which has none of its own. */
const architectures: Readonly<Record<string, number>> = {
  SCMP_ARCH_X86_64: 0xc000_003e,
  SCMP_ARCH_X86: 0x4000_0003,
  SCMP_ARCH_X32: 0x4000_003e,
  SCMP_ARCH_AARCH64: 0xc000_00b7,
  SCMP_ARCH_ARM: 0x4000_0028,
};

/** The filter, and the names that this libseccomp has not heard of. */
export type Libseccomp = (profile: Seccomp) => { readonly filter: Uint8Array; readonly unknown: ReadonlySet<string> };

/** Compiles the program into `directory`. */
export function buildLibseccomp(directory: string): Libseccomp {
  const program = join(directory, 'libseccomp');
  execFileSync('gcc', ['-O1', '-Wall', '-o', program, join(repository, 'test/harness/libseccomp.c'), '-lseccomp']);
  return (profile) => {
    const result = spawnSync(program, { input: inWords(profile), maxBuffer: 1 << 20 });
    if (result.status !== 0) throw new Error(`libseccomp: ${result.stderr.toString()}`);
    const complaints = result.stderr.toString().matchAll(/^unknown (\S+)$/gm);
    return { filter: result.stdout, unknown: new Set([...complaints].map(([, name = '']) => name)) };
  };
}

/** As runc adds rules: none that says what the default says, one for each condition if two are on one argument. */
function inWords(profile: Seccomp): string {
  const fallback = actionNumber(profile.defaultAction, profile.defaultErrnoRet);
  const lines = [`default ${fallback}`];
  for (const name of profile.architectures ?? []) lines.push(`arch ${architectures[name]}`);
  for (const rule of profile.syscalls ?? []) {
    const action = actionNumber(rule.action, rule.errnoRet);
    if (action === fallback) continue;
    for (const name of rule.names) lines.push(...ruleInWords(rule, action, name));
  }
  return `${lines.join('\n')}\n`;
}

function ruleInWords({ args = [] }: SeccompSyscall, action: number, name: string): string[] {
  const words = args.map(({ index, op, value, valueTwo = 0 }) =>
    [index, operators.indexOf(op.slice('SCMP_CMP_'.length)), value, valueTwo].join(' '),
  );
  const repeated = new Set(args.map(({ index }) => index)).size < args.length;
  return repeated
    ? words.map((condition) => `rule ${action} ${name} 1 ${condition}`)
    : [`rule ${action} ${name} ${words.length} ${words.join(' ')}`];
}

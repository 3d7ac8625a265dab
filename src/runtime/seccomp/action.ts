/** Actions and flags of config-linux.md, "Seccomp", as numbers of <linux/seccomp.h>. Pure. */
import { OnggiError, unsupported } from '../../errors.ts';

const eperm = 1;
export const enosys = 38;

/** SECCOMP_RET_ERRNO. */
export const errnoAction = (errno: number): number => 0x0005_0000 | errno;
export const killProcess = 0x8000_0000;

const actions: Readonly<Record<string, (errno: number) => number>> = {
  SCMP_ACT_KILL: () => 0,
  SCMP_ACT_KILL_THREAD: () => 0,
  SCMP_ACT_KILL_PROCESS: () => killProcess,
  SCMP_ACT_TRAP: () => 0x0003_0000,
  SCMP_ACT_ERRNO: errnoAction,
  SCMP_ACT_TRACE: (errno) => 0x7ff0_0000 | errno,
  SCMP_ACT_LOG: () => 0x7ffc_0000,
  SCMP_ACT_ALLOW: () => 0x7fff_0000,
};

/** Return value of a filter. @throws OnggiError `invalid` or `unsupported` */
export function actionNumber(action: string, errnoRet: number | undefined): number {
  if (action === 'SCMP_ACT_NOTIFY') throw unsupported('the seccomp action "SCMP_ACT_NOTIFY"');
  const make = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (make === undefined) throw new OnggiError('invalid', `seccomp: no such action "${action}"`);
  const errno = errnoRet ?? eperm;
  // MAX_ERRNO; the kernel would cut a greater one down to it.
  if (!Number.isInteger(errno) || errno < 0 || errno > 4095) {
    throw new OnggiError('invalid', `seccomp: "${errno}" is not an error number`);
  }
  return make(errno);
}

/** What an action does to a call, for `explain`. */
export function inWords(action: string): string {
  switch (action) {
    case 'SCMP_ACT_ERRNO':
      return 'fail with an error';
    case 'SCMP_ACT_ALLOW':
      return 'are allowed';
    case 'SCMP_ACT_LOG':
      return 'are allowed and logged';
    case 'SCMP_ACT_TRACE':
      return 'are left to a tracer';
    case 'SCMP_ACT_TRAP':
      return 'raise SIGSYS';
    default:
      return 'end the process';
  }
}

/** Actions under which a call happens: unknown calls are the kernel's or the tracer's business then. */
export function isAllowing(action: string): boolean {
  return action === 'SCMP_ACT_ALLOW' || action === 'SCMP_ACT_LOG' || action === 'SCMP_ACT_TRACE';
}

/** SECCOMP_FILTER_FLAG_*. The init has one thread, so TSYNC changes nothing. */
const flagBits: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
};

/** @throws OnggiError `unsupported` */
export function flagNumber(flags: readonly string[]): number {
  let bits = 0;
  for (const flag of flags) {
    const bit = Object.hasOwn(flagBits, flag) ? flagBits[flag] : undefined;
    if (bit === undefined) throw unsupported(`the seccomp flag "${flag}"`);
    bits |= bit;
  }
  return bits;
}

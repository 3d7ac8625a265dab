/** Actions and flags of config-linux.md, "Seccomp", as numbers of <linux/seccomp.h>. Pure. */
import { OnggiError, unsupported } from '../../errors.ts';

const eperm = 1;
export const enosys = 38;

/** SECCOMP_RET_ERRNO. */
export const errnoAction = (errno: number): number => 0x0005_0000 | errno;
export const killProcess = 0x8000_0000;

/** Number of an action, and the greatest value that it can carry in its lower 16 bits: MAX_ERRNO for errors. */
type Action = { readonly number: number; readonly data?: number };

const actions: Readonly<Record<string, Action>> = {
  SCMP_ACT_KILL: { number: 0 },
  SCMP_ACT_KILL_THREAD: { number: 0 },
  SCMP_ACT_KILL_PROCESS: { number: killProcess },
  SCMP_ACT_TRAP: { number: 0x0003_0000 },
  SCMP_ACT_ERRNO: { number: 0x0005_0000, data: 4095 },
  SCMP_ACT_NOTIFY: { number: 0x7fc0_0000 },
  SCMP_ACT_TRACE: { number: 0x7ff0_0000, data: 0xffff },
  SCMP_ACT_LOG: { number: 0x7ffc_0000 },
  SCMP_ACT_ALLOW: { number: 0x7fff_0000 },
};

/** What `features` says (features-linux.md, "seccomp"). */
export const actionNames: readonly string[] = Object.keys(actions);

/**
 * Return value of a filter.
 *
 * @param errnoRet error of SCMP_ACT_ERRNO or message of SCMP_ACT_TRACE, EPERM if it is left out; no other action takes
 *   one ("the runtime MUST print an error and fail", config-linux.md)
 * @throws OnggiError `invalid`
 */
export function actionNumber(action: string, errnoRet: number | undefined): number {
  const found = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (found === undefined) throw new OnggiError('invalid', `seccomp: no such action "${action}"`);
  if (found.data === undefined) {
    if (errnoRet === undefined) return found.number;
    throw new OnggiError('invalid', `seccomp: the action "${action}" takes no errnoRet, but was given "${errnoRet}"`);
  }
  const data = errnoRet ?? eperm;
  if (!Number.isInteger(data) || data < 0 || data > found.data) {
    throw new OnggiError('invalid', `seccomp: "${errnoRet}" is no errnoRet for "${action}": 0 to ${found.data} are`);
  }
  return found.number | data;
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
    case 'SCMP_ACT_NOTIFY':
      return 'are left to the agent';
    default:
      return 'end the process';
  }
}

/** Actions under which a call happens: unknown calls are the kernel's or the tracer's business then. */
export function isAllowing(action: string): boolean {
  return action === 'SCMP_ACT_ALLOW' || action === 'SCMP_ACT_LOG' || action === 'SCMP_ACT_TRACE';
}

export function notifies(action: string): boolean {
  return action === 'SCMP_ACT_NOTIFY';
}

/** Whether the kernel would prefer `action` if two filters disagreed: the order of <linux/seccomp.h>, as signed. */
export function isStricter(action: number, than: number): boolean {
  return (action & 0xffff_0000) < (than & 0xffff_0000);
}

/** SECCOMP_FILTER_FLAG_NEW_LISTENER: seccomp(2) returns a descriptor for SCMP_ACT_NOTIFY. */
const newListener = 8;
/** SECCOMP_FILTER_FLAG_TSYNC_ESRCH, without which TSYNC and NEW_LISTENER exclude each other. */
const tsyncEsrch = 16;
const tsync = 1;
const waitKillable = 32;

/** SECCOMP_FILTER_FLAG_*. The init has one thread, so TSYNC changes nothing. */
const flagBits: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: tsync,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: waitKillable,
};

/** What `features` says. */
export const flagNames: readonly string[] = Object.keys(flagBits);

/**
 * @param listens the filter notifies
 * @throws OnggiError `invalid` or `unsupported`
 */
export function flagNumber(flags: readonly string[], listens: boolean): number {
  let bits = listens ? newListener : 0;
  for (const flag of flags) {
    const bit = Object.hasOwn(flagBits, flag) ? flagBits[flag] : undefined;
    if (bit === undefined) throw unsupported(`the seccomp flag "${flag}"`);
    bits |= bit;
  }
  if (!listens && (bits & waitKillable) !== 0) {
    throw new OnggiError(
      'invalid',
      'seccomp: the flag "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" is given, but no rule says "SCMP_ACT_NOTIFY"',
    );
  }
  return listens && (bits & tsync) !== 0 ? bits | tsyncEsrch : bits;
}

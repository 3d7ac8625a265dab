/** Resource limits of setrlimit(2): names and numbers. Pure. */
import { OnggiError } from '../errors.ts';

/** <asm-generic/resource.h>; the same on x86-64 and ARM. */
const numbers: Readonly<Record<string, number>> = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
  locks: 10,
  sigpending: 11,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
  rttime: 15,
};

/** RLIM_INFINITY. */
export const unlimited = 0xffff_ffff_ffff_ffffn;

/** Docker's names ("nofile"), as `--ulimit` takes them. */
export const rlimitNames: readonly string[] = Object.keys(numbers);

/**
 * Number and Docker name of "RLIMIT_NOFILE".
 *
 * @throws OnggiError `invalid`
 */
export function parseRlimitType(type: string): { readonly number: number; readonly name: string } {
  const name = type.startsWith('RLIMIT_') ? type.slice('RLIMIT_'.length).toLowerCase() : '';
  const number = Object.hasOwn(numbers, name) ? numbers[name] : undefined;
  if (number === undefined) {
    throw new OnggiError('invalid', `resource limit "${type}": no such limit`, {
      hint: `Known limits: ${rlimitNames.join(', ')}.`,
    });
  }
  return { number, name };
}

/** "RLIMIT_NOFILE" of the Docker name "nofile"; whether it exists is checked by `parseRlimitType`. */
export function rlimitType(name: string): string {
  return `RLIMIT_${name.toUpperCase()}`;
}

/**
 * Checks soft against hard, both unsigned 64-bit with `unlimited` as the greatest.
 *
 * @throws OnggiError `invalid`
 */
export function checkRlimit(name: string, soft: bigint, hard: bigint): void {
  if (soft < 0n || hard < 0n || soft > unlimited || hard > unlimited) {
    throw new OnggiError('invalid', `resource limit ${name}: "${soft}:${hard}" is out of range`);
  }
  if (soft > hard) {
    throw new OnggiError('invalid', `resource limit ${name}: the soft limit ${soft} is above the hard limit ${hard}`);
  }
}

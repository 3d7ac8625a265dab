/** The memory limits of config.json, checked once for both versions of cgroups. Pure. */
import { OnggiError, unsupported } from '../../errors.ts';
import type { Memory } from '../../oci/runtime-spec.ts';

/**
 * Limits that contradict each other or can't be kept are refused before the kernel would refuse them in fewer words.
 *
 * @param swap whether swap can be limited on this machine
 * @throws OnggiError `invalid` or `unsupported`
 */
export function checkMemory(memory: Memory, swap: boolean): void {
  const { limit, swap: total, reservation } = memory;
  for (const [name, value] of [
    ['limit', limit],
    ['swap', total],
    ['reservation', reservation],
  ] as const) {
    if (value !== undefined && (!Number.isSafeInteger(value) || value < -1)) {
      throw new OnggiError('invalid', `memory ${name}: "${value}" is not a number of bytes or -1`);
    }
  }
  checkSwappiness(memory.swappiness);
  if (memory.useHierarchy === false) throw unsupported('memory accounting without hierarchy');
  if (total === undefined || total === 0) return;
  if (total > 0 && (limit === undefined || limit <= 0)) {
    throw new OnggiError('invalid', 'memory and swap: a limit of both together needs a limit of the memory');
  }
  if (total > 0 && limit !== undefined && total < limit) {
    throw new OnggiError('invalid', `memory and swap: ${total} bytes together are less than the memory's ${limit}`);
  }
  if (total > 0 && !swap) {
    throw unsupported('a limit of swap on this kernel', 'Boot with swapaccount=1, or limit only the memory.');
  }
}

/** -1, also as the unsigned number that it becomes, means the same as not there (runc). */
function checkSwappiness(swappiness: number | undefined): void {
  if (swappiness === undefined || isUnsetSwappiness(swappiness)) return;
  if (!Number.isInteger(swappiness) || swappiness < 0 || swappiness > 100) {
    throw new OnggiError('invalid', `memory swappiness: "${swappiness}" is not a percentage from 0 to 100`);
  }
}

export function isUnsetSwappiness(swappiness: number): boolean {
  return swappiness === -1 || swappiness >= Number.MAX_SAFE_INTEGER;
}

/**
 * Memory and swap together as they are in force: without a limit of memory there is none of swap either, unless one is
 * asked for (runc does so for the two versions to agree). Undefined: leave it.
 */
export function swapInForce({ limit, swap }: Memory): number | undefined {
  if (swap !== undefined && swap !== 0) return swap;
  return limit === -1 ? -1 : undefined;
}

/**
 * Descriptors that a command hands over with its stdio: `--preserve-fds`, and sockets of a service manager (LISTEN_FDS,
 * sd_listen_fds(3)), as in Podman. To be asked before this process opens anything itself, which would pass for inherited.
 */
import type { Inherited } from '../engine/types.ts';
import type { Context } from './context.ts';
import { single } from './definition.ts';
import { integer } from './value/number.ts';

export const preserveFdsFlag = single('uint', integer(0, 1000), 'Pass on so many descriptors, from 3 up');

/**
 * @param count of the flag; it is this or the manager's, not both
 * @throws OnggiError `invalid` when one of them is not open
 */
export async function inheritedDescriptors(
  count: number,
  { env, stderr }: Pick<Context, 'env' | 'stderr'>,
): Promise<Inherited | undefined> {
  const { LISTEN_FDS: listening = '', LISTEN_PID: meant, LISTEN_FDNAMES: names } = env;
  if (count === 0 && listening === '') return undefined;
  const { ownProcess, preservedDescriptors } = await import('../bundle/preserve.ts');
  if (count > 0) {
    if (listening !== '') stderr.print('WARNING: Ignoring LISTEN_FDS to preserve custom user-specified FDs\n');
    return preservedDescriptors(count, {});
  }
  const found = preservedDescriptors(0, { LISTEN_FDS: listening, LISTEN_PID: meant ?? ownProcess() });
  if (found.descriptors.length === 0) return undefined;
  return { ...found, env: [...found.env, ...(names === undefined ? [] : [`LISTEN_FDNAMES=${names}`])] };
}

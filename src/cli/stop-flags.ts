/** The flags of the commands that stop containers. Pure data. */
import { asIs, single, type Values } from './definition.ts';
import { integer } from './value/number.ts';

export const stopFlags = {
  signal: single('string', asIs, 'Signal to send first', { short: 's', emptyIsAbsent: true }),
  timeout: single('int', integer(-1), 'Seconds until SIGKILL; -1 to wait for ever', {
    short: 't',
    aliases: ['time'],
    shown: '10',
  }),
} as const;

export function stopOptions({ signal, timeout }: Values<typeof stopFlags>): { signal?: string; timeout?: number } {
  return { ...(signal !== undefined && { signal }), ...(timeout !== undefined && { timeout }) };
}

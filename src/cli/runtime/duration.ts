/** Durations as Go writes them. Pure. */
import { OnggiError } from '../../errors.ts';

const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** What a timer of the engine can wait: some 24 days. */
const longest = 0x7fff_ffff;

/** Milliseconds of "5s", "1m30s", "0.5h" (time.ParseDuration), above 0. @throws OnggiError `invalid` */
export function parseGoDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)];
  const whole = parts.map(([part]) => part).join('') === text && parts.length > 0;
  const total = parts.reduce((sum, [, amount, unit = '']) => sum + Number(amount) * (units[unit] ?? 0), 0);
  if (!whole || total < 1 || total > longest) {
    throw new OnggiError('invalid', `"${text}" is not a duration such as 5s or 1m30s, from 1ms to 24 days`);
  }
  return total;
}

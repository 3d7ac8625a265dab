/** Health checks of `run` and `create`: their flags, and what they ask the engine for. Pure. */
import type { HealthOptions } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import { parseDuration } from '../../oci/duration.ts';
import { asIs, single, toggle, type Values } from '../definition.ts';
import { integer, oneOf } from '../value/number.ts';

export const healthFlags = {
  'health-cmd': single('string', asIs, 'Check the health of the container by this line for the shell'),
  'health-interval': single('duration', duration, 'Time between two checks: 30s, 1m30s', { shown: '30s' }),
  'health-on-failure': single(
    'string',
    oneOf('action', ['none', 'kill', 'restart', 'stop']),
    'What is done when it becomes unhealthy: none, kill, restart, stop',
    { shown: 'none' },
  ),
  'health-retries': single('int', integer(Number.MIN_SAFE_INTEGER), 'Failures in a row that make it unhealthy', {
    shown: '3',
  }),
  'health-start-interval': single('duration', duration, 'Time between two checks while it starts', { shown: '5s' }),
  'health-start-period': single('duration', duration, 'Time to start, in which failures do not count', {
    shown: '0s',
  }),
  'health-timeout': single('duration', duration, 'Longest time that a check may take', { shown: '30s' }),
  'no-healthcheck': toggle('Have no health check, whatever the image says'),
} as const;

export type HealthFlags = Values<typeof healthFlags>;

/** Milliseconds. */
function duration(text: string): number {
  const parsed = parseDuration(text);
  if (parsed === undefined) throw new OnggiError('invalid', `time: invalid duration "${text}"`);
  return parsed;
}

const times = ['interval', 'timeout', 'start-period', 'start-interval'] as const;

/** @throws OnggiError `invalid` with Docker's words; undefined when nothing is said of it */
export function healthOptions(flags: HealthFlags): HealthOptions | undefined {
  const line = flags['health-cmd'] ?? '';
  const retries = flags['health-retries'] ?? 0;
  const onFailure = flags['health-on-failure'];
  const said = line !== '' || retries !== 0 || times.some((name) => (flags[`health-${name}`] ?? 0) !== 0);
  if (flags['no-healthcheck']) {
    if (said) throw new OnggiError('invalid', '--no-healthcheck conflicts with --health-* options');
    return { test: null };
  }
  if (!said && onFailure === undefined) return undefined;
  for (const name of times) {
    if ((flags[`health-${name}`] ?? 0) < 0) throw new OnggiError('invalid', `--health-${name} cannot be negative`);
  }
  if (retries < 0) throw new OnggiError('invalid', '--health-retries cannot be negative');
  return {
    ...(line !== '' && { test: { line } }),
    ...given('interval', flags['health-interval']),
    ...given('timeout', flags['health-timeout']),
    ...given('startPeriod', flags['health-start-period']),
    ...given('startInterval', flags['health-start-interval']),
    ...given('retries', retries),
    ...(onFailure !== undefined && onFailure !== 'none' && { onFailure }),
  };
}

/** Docker's 0 says nothing. */
function given<K extends string>(name: K, value: number | undefined): { readonly [P in K]?: number } {
  return (value === undefined || value === 0 ? {} : { [name]: value }) as { readonly [P in K]?: number };
}

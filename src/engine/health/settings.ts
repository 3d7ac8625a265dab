/** A health check with Docker's defaults filled in, and what is wrong with one. Pure. */
import { OnggiError } from '../../errors.ts';
import { type HealthConfig, type HealthTest, healthTestWords } from '../../oci/health.ts';
import type { ContainerOptions } from '../types.ts';

/** Milliseconds (moby, daemon/health.go). */
const defaults = { interval: 30_000, timeout: 30_000, startPeriod: 0, startInterval: 5000, retries: 3 } as const;

export type HealthSettings = {
  readonly test: Exclude<HealthTest, null>;
  readonly interval: number;
  readonly timeout: number;
  readonly startPeriod: number;
  readonly startInterval: number;
  readonly retries: number;
};

/** Undefined when nothing is to be checked. A 0 stands for the default, as with Docker. */
export function healthSettings(health: HealthConfig | undefined): HealthSettings | undefined {
  if (health?.test === undefined || health.test === null) return undefined;
  return {
    test: health.test,
    interval: health.interval || defaults.interval,
    timeout: health.timeout || defaults.timeout,
    startPeriod: health.startPeriod || defaults.startPeriod,
    startInterval: health.startInterval || defaults.startInterval,
    retries: health.retries || defaults.retries,
  };
}

const times = {
  interval: 'Interval',
  timeout: 'Timeout',
  startPeriod: 'StartPeriod',
  startInterval: 'StartInterval',
} as const;

/** A hundred years: what is longer would not fit into the clocks of those who wait. */
const longest = 100 * 365 * 24 * 3600_000;

/** @throws OnggiError `invalid` with Docker's words */
export function checkHealth({ health, autoRemove }: ContainerOptions): void {
  if (health === undefined) return;
  for (const [field, name] of Object.entries(times)) {
    const value = health[field as keyof typeof times] ?? 0;
    if (value !== 0 && value < 1) throw new OnggiError('invalid', `${name} in Healthcheck cannot be less than 1ms`);
    if (value > longest) throw new OnggiError('invalid', `${name} in Healthcheck cannot be more than 876000h`);
  }
  const { retries = 0 } = health;
  if (retries < 0 || retries > 2 ** 31) throw new OnggiError('invalid', 'Retries in Healthcheck cannot be negative');
  if (health.onFailure === 'restart' && autoRemove === true) {
    throw new OnggiError('invalid', 'conflicting options: a container with --rm is not restarted when it is unhealthy');
  }
}

/** @param merged with that of the image @throws OnggiError `invalid` with Podman's words */
export function checkOnFailure({ health }: ContainerOptions, merged: HealthConfig | undefined): void {
  const action = health?.onFailure ?? 'none';
  if (action === 'none' || healthSettings(merged) !== undefined) return;
  throw new OnggiError('invalid', `cannot set on-failure action to ${action} without a health check`, {
    hint: 'Give it one with --health-cmd; its image has none.',
  });
}

/** The command that a check executes. */
export function healthCommand(test: Exclude<HealthTest, null>): readonly string[] {
  return 'line' in test ? ['/bin/sh', '-c', test.line] : test.args;
}

/** As `inspect` and image configs show it, in nanoseconds. */
export function healthRecord(health: HealthConfig): Record<string, unknown> {
  const time = (name: string, value: number | undefined) => (value ? { [name]: Math.round(value * 1e6) } : {});
  return {
    ...(health.test !== undefined && { Test: healthTestWords(health.test) }),
    ...time('Interval', health.interval),
    ...time('Timeout', health.timeout),
    ...time('StartPeriod', health.startPeriod),
    ...time('StartInterval', health.startInterval),
    ...(health.retries ? { Retries: health.retries } : {}),
  };
}

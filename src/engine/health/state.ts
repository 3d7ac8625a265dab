/** What the shim keeps of the health of a container (native/shim/health-file.c), read. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, fromSystemError } from '../../errors.ts';
import { type Health, type HealthResult, type HealthStatus, healthStatuses } from '../types/health.ts';

/** HEALTH_CHECKS. */
const checksKept = 5;

/** Undefined before the container runs for the first time. */
export function readHealthStatus(directory: string): Pick<Health, 'status' | 'failingStreak'> | undefined {
  const text = readIfThere(join(directory, 'status'));
  const [, word, streak] = /^(\w+) (\d{1,10}) \d{1,20}\n$/.exec(text?.toString('latin1') ?? '') ?? [];
  const status = healthStatuses.find((each) => each === word);
  return status === undefined ? undefined : { status, failingStreak: Number(streak) };
}

/** @param running one that has run and does not run any more is unhealthy, as with Docker */
export function readHealth(directory: string, running: boolean): Health {
  const found = readHealthStatus(directory) ?? { status: 'starting', failingStreak: 0 };
  const hasRun = existsSync(join(directory, 'plan'));
  const status: HealthStatus = running || !hasRun ? found.status : 'unhealthy';
  const log = Array.from({ length: checksKept }, (_, number) => readResult(join(directory, `${number}`)));
  const known = log.filter((result) => result !== undefined).sort((a, b) => (a.start < b.start ? -1 : 1));
  return { status, failingStreak: found.failingStreak, log: known };
}

function readResult(path: string): HealthResult | undefined {
  const bytes = readIfThere(path);
  if (bytes === undefined) return undefined;
  const end = bytes.indexOf(0x0a);
  const head = /^(\d{1,20}) (\d{1,20}) (-?\d{1,10})$/.exec(bytes.subarray(0, Math.max(0, end)).toString('latin1'));
  if (head === null) return undefined;
  const [, start = '', finish = '', code = ''] = head;
  const output = bytes.subarray(end + 1).toString('utf8');
  return { start: BigInt(start), end: BigInt(finish), exitCode: Number(code), output };
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fromSystemError(error, `read "${path}"`);
  }
}

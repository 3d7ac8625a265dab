/** `events`: what a container uses, and that the kernel killed for lack of memory. Acts. */
import { OnggiError } from '../errors.ts';
import { watchOom } from '../runtime/cgroup/oom-events.ts';
import { readCgroupStats } from '../runtime/cgroup/stats.ts';
import { checkContainerId } from './container-id.ts';
import { encodeEvent } from './event.ts';
import { containerPaths } from './paths.ts';
import type { Runtime } from './runtime.ts';
import type { StateRecord } from './state.ts';
import { readState } from './state-file.ts';
import { statusOf } from './status.ts';

/** One event of statistics. @throws OnggiError `not-found`, `conflict` when it has ended */
export function containerStats(runtime: Runtime, asked: string): string {
  const record = runningRecord(runtime, asked);
  return encodeEvent({ type: 'stats', id: record.id, data: readCgroupStats(record.cgroup) });
}

/**
 * Events until the container ends: statistics now and again, and each time the kernel killed in it for lack of memory.
 *
 * @param interval milliseconds between statistics
 * @param tell gets each event, one line of JSON with its end
 * @throws OnggiError as `containerStats`
 */
export async function followEvents(
  runtime: Runtime,
  asked: string,
  interval: number,
  tell: (event: string) => void,
): Promise<void> {
  const record = runningRecord(runtime, asked);
  const { id, cgroup } = record;
  const ended = new AbortController();
  const timer = setInterval(() => {
    if (hasEnded(runtime, record)) ended.abort();
    else tell(encodeEvent({ type: 'stats', id, data: readCgroupStats(cgroup) }));
  }, interval);
  try {
    const told = (): void => tell(encodeEvent({ type: 'oom', id }));
    await watchOom(cgroup, told, ended.signal);
  } finally {
    clearInterval(timer);
  }
}

function runningRecord(runtime: Runtime, asked: string): StateRecord {
  const id = checkContainerId(asked);
  const paths = containerPaths(runtime.root, id);
  const record = readState(id, paths);
  const status = statusOf(record, paths);
  if (status === 'stopped' || status === 'creating') {
    throw new OnggiError('conflict', `container with id ${id} is not running: it is ${status}`);
  }
  return record;
}

function hasEnded(runtime: Runtime, record: StateRecord): boolean {
  return statusOf(record, containerPaths(runtime.root, record.id)) === 'stopped';
}

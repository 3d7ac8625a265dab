/** `healthcheck run`: a check now, made by the shim like all others. */
import { OnggiError } from '../../errors.ts';
import { connectShim } from '../../kernel/shim-client.ts';
import { checkNotPaused } from '../container/container.ts';
import { lookUp } from '../container/look-up.ts';
import { notRunning } from '../container/not-running.ts';
import type { Context } from '../context.ts';
import type { HealthStatus } from '../types/health.ts';
import { healthSettings } from './settings.ts';

export type CheckedHealth = {
  readonly status: HealthStatus;
  /** Of the check; -1 when it could not be made or took too long. */
  readonly exitCode: number;
};

/** @throws OnggiError `conflict` when it does not run or has no health check */
export async function checkHealthNow(context: Context, ref: string): Promise<CheckedHealth> {
  const container = await lookUp(context, ref);
  const { name, state } = container.row;
  if (healthSettings(container.health) === undefined) {
    throw new OnggiError('conflict', `container "${name}" has no defined healthcheck`, {
      hint: 'Make it with --health-cmd.',
    });
  }
  if (state !== 'running' || container.start === null) {
    throw notRunning(container);
  }
  checkNotPaused(container, 'check the health of');
  using client = await connectShim(container.start.socket, {});
  let asked = false;
  for await (const event of client.events) {
    if (event.type === 'health' && asked) return { status: event.status, exitCode: event.exitCode };
    if (event.type !== 'status' || event.state !== 'running' || asked) continue;
    asked = true;
    client.check();
  }
  throw new OnggiError('unavailable', `check the health of container "${name}": it has ended meanwhile`);
}

import { setTimeout as pause } from 'node:timers/promises';
import type { ContainerStatus, HealthStatus } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import { parseDuration } from '../../oci/duration.ts';
import type { EngineFace } from '../context.ts';
import { defineCommand, latestFlag, list, single } from '../definition.ts';
import { forEachRef } from '../each.ts';
import { oneOf } from '../value/number.ts';

/** Podman's words for the states of a container, and what they are here. */
const conditions = {
  configured: 'created',
  created: 'created',
  initialized: 'initialized',
  exited: 'exited',
  healthy: 'healthy',
  paused: 'paused',
  restarting: 'restarting',
  running: 'running',
  stopped: 'exited',
  removing: null,
  unhealthy: 'unhealthy',
} as const satisfies Record<string, ContainerStatus | HealthStatus | null>;

type Condition = keyof typeof conditions;

const parseCondition = oneOf('condition', Object.keys(conditions) as Condition[]);

export const command = defineCommand({
  usage: 'CONTAINER [CONTAINER...]',
  positionals: { min: 1, max: null },
  completes: 'containers',
  latest: 'all',
  flags: {
    condition: list('condition', parseConditions, 'Wait for one of these states: running, paused or exited'),
    interval: single('duration', parseInterval, 'How often to look for a state', { shown: '250ms' }),
    latest: latestFlag,
  },
  async run({ flags, args, context }) {
    const engine = await context.engine();
    const wanted = new Set(flags.condition.flat());
    const ended = [...wanted].every((condition) => conditions[condition] === 'exited');
    const wait = (ref: string) =>
      ended ? engine.containers.wait(ref) : waitFor(engine, ref, wanted, flags.interval ?? 250);
    return await forEachRef(args, context, wait, {
      print: (_, status) => `${status}\n`,
    });
  },
});

function parseConditions(text: string): Condition[] {
  return text.split(',').map(parseCondition);
}

/** Milliseconds; as in Podman a bare number is that. @throws OnggiError `invalid` */
function parseInterval(text: string): number {
  const length = /^\d{1,9}$/.test(text) ? Number(text) : parseDuration(text);
  if (length === undefined || length < 0) throw new OnggiError('invalid', `'${text}' is not a length of time`);
  return length;
}

/** @returns its exit status if that is the state it is in, else -1, as Podman has it */
async function waitFor(
  { containers }: EngineFace,
  ref: string,
  wanted: ReadonlySet<Condition>,
  interval: number,
): Promise<number> {
  const states: ReadonlySet<ContainerStatus | HealthStatus | null> = new Set(
    [...wanted].map((condition) => conditions[condition]),
  );
  const { id } = await containers.get(ref);
  for (;;) {
    const { status, health, exitCode } = await lookAt(id);
    if (states.has(status) || (status === 'running' && health !== null && states.has(health)))
      return status === 'exited' ? (exitCode ?? 0) : -1;
    await pause(interval);
  }

  async function lookAt(full: string) {
    try {
      return await containers.get(full);
    } catch (error) {
      const gone = error instanceof OnggiError && error.code === 'not-found' && wanted.has('removing');
      if (gone) return { status: null, health: null, exitCode: null } as const;
      throw error;
    }
  }
}

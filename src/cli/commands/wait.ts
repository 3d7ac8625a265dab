import { setTimeout as pause } from 'node:timers/promises';
import type { ContainerStatus, HealthStatus } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import { parseDuration } from '../../oci/duration.ts';
import type { EngineFace } from '../context.ts';
import { defineCommand, latestFlag, list, single } from '../definition.ts';
import { forEachRef } from '../each.ts';
import { isUp } from '../format/container-row.ts';
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

/** Those of Docker's API (WaitConditions of moby, container/state.go), each for itself. */
const dockers = ['not-running', 'next-exit', 'removed'] as const;

type DockerCondition = (typeof dockers)[number];

const parseCondition = oneOf('condition', [...(Object.keys(conditions) as Condition[]), ...dockers]);

export const command = defineCommand({
  usage: 'CONTAINER [CONTAINER...]',
  positionals: { min: 1, max: null },
  completes: 'containers',
  latest: 'all',
  flags: {
    condition: list('condition', parseConditions, 'Wait for one of these states, or for next-exit or removed'),
    interval: single('duration', parseInterval, 'How often to look for a state', { shown: '250ms' }),
    latest: latestFlag,
  },
  async run({ flags, args, context }) {
    const engine = await context.engine();
    const wait = waiting(engine, new Set(flags.condition.flat()), flags.interval ?? 250);
    return await forEachRef(args, context, wait, {
      print: (_, status) => `${status}\n`,
    });
  },
});

function parseConditions(text: string): (Condition | DockerCondition)[] {
  return text.split(',').map(parseCondition);
}

/** @throws OnggiError `invalid` */
function waiting(
  engine: EngineFace,
  asked: ReadonlySet<Condition | DockerCondition>,
  interval: number,
): (ref: string) => Promise<number> {
  const wanted = new Set<Condition>();
  for (const condition of asked) {
    if (!isDockers(condition)) wanted.add(condition);
    else if (asked.size === 1) return (ref) => waitAsDocker[condition](engine, ref, interval);
    else
      throw new OnggiError('invalid', `--condition: '${condition}' goes with no other`, {
        hint: 'Leave the others out, or wait for them in a command of their own.',
      });
  }
  const ended = [...wanted].every((condition) => conditions[condition] === 'exited');
  return (ref) => (ended ? engine.containers.wait(ref) : waitFor(engine, ref, wanted, interval));
}

function isDockers(condition: Condition | DockerCondition): condition is DockerCondition {
  return dockers.some((each) => each === condition);
}

const waitAsDocker: Readonly<
  Record<DockerCondition, (engine: EngineFace, ref: string, interval: number) => Promise<number>>
> = {
  'not-running': ({ containers }, ref) => containers.wait(ref),
  async 'next-exit'({ containers }, ref, interval) {
    const first = await containers.get(ref);
    const { id, startedAt } = first;
    // One that does not run has to be started first, and may have ended by the next look.
    for (let now = first; !isUp(now) && now.startedAt === startedAt; now = await containers.get(id)) {
      await pause(interval);
    }
    return await containers.wait(id);
  },
  async removed({ containers }, ref, interval) {
    const { id } = await containers.get(ref);
    for (let status = 0; ; ) {
      try {
        status = await containers.wait(id);
        await pause(interval);
      } catch (error) {
        if (error instanceof OnggiError && error.code === 'not-found') return status;
        throw error;
      }
    }
  },
};

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

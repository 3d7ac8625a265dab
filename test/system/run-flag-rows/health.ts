/** Flags of `run` about the health check. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { eventually } from '../../harness/program.ts';
import type { World } from '../../harness/system-test.ts';
import { badSwitch, type Container, type Row, type Seen } from './row.ts';

/** A field of the check as the API has it, in nanoseconds. */
function asked(field: string, value: number): Required<Pick<Seen, 'outside'>> {
  return {
    outside: async (world, { id }) => {
      assert.equal(await world.ok(['inspect', '-f', `{{.Config.Healthcheck.${field}}}`, id]), `${value}`);
    },
  };
}

async function isHealthy(world: World, { id }: Container): Promise<void> {
  await eventually('it is healthy', async () => {
    return (await world.ok(['ps', '-q', '--no-trunc', '--filter', 'health=healthy'])) === id;
  });
}

/** The third number is how many checks were made. */
function checks(world: World, id: string): number {
  return Number(readFileSync(`${world.root}/containers/${id}/health/status`, 'utf8').split(' ')[2]);
}

export const healthRows: readonly Row[] = [
  {
    flag: 'health-cmd',
    container: 'second',
    words: ['--health-cmd', 'test -e /www/index.html'],
    outside: isHealthy,
    bad: [['--health-cmd'], /flag needs an argument: --health-cmd/],
  },
  {
    flag: 'health-interval',
    container: 'second',
    words: ['--health-interval', '20ms'],
    outside: async (world, { id }) => await eventually('it is checked again', () => checks(world, id) > 1),
    bad: [['--health-interval', '-1s'], /--health-interval cannot be negative/],
  },
  {
    flag: 'health-on-failure',
    tried: async (world) => {
      const words = ['--health-cmd', 'false', '--health-interval', '20ms', '--health-retries', '1'];
      const check = [...words, '--health-on-failure', 'kill', '--network', 'none'];
      await world.ok(['run', '-d', '--name', 'ill', ...check, world.image, 'sleep', '1000']);
      assert.equal(await world.ok(['wait', 'ill']), '137');
    },
    bad: [['--health-on-failure', 'cry'], /invalid action: 'cry'/],
  },
  {
    flag: 'health-retries',
    container: 'second',
    words: ['--health-retries', '7'],
    ...asked('Retries', 7),
    bad: [['--health-retries', '-1'], /--health-retries cannot be negative/],
  },
  {
    flag: 'health-start-interval',
    container: 'second',
    words: ['--health-start-interval', '20ms'],
    ...asked('StartInterval', 20e6),
    bad: [['--health-start-interval', 'x'], /time: invalid duration "x"/],
  },
  {
    flag: 'health-start-period',
    container: 'second',
    words: ['--health-start-period', '1m'],
    ...asked('StartPeriod', 60e9),
    bad: [['--health-start-period', '-1m'], /--health-start-period cannot be negative/],
  },
  {
    flag: 'health-timeout',
    container: 'second',
    words: ['--health-timeout', '1h'],
    ...asked('Timeout', 3600e9),
    bad: [['--health-timeout', '-1s'], /--health-timeout cannot be negative/],
  },
  {
    flag: 'no-healthcheck',
    words: ['--no-healthcheck'],
    outside: async (world, { id }) => {
      assert.equal(await world.ok(['ps', '-q', '--no-trunc', '--filter', 'health=none']), id);
    },
    bad: badSwitch('no-healthcheck'),
  },
];

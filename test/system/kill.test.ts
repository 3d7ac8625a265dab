/**
 * kill -9 of anything at any moment: afterwards `ps -a` tells the truth, `rm` works and nothing is left
 * (ARCHITECTURE, "Who knows the truth"). Delays are random, so that each run tries other moments; the seed of a failed
 * one is in its message.
 */
import assert from 'node:assert/strict';
import { beginLook } from '../../src/engine/container/ended.ts';
import { settleStale } from '../../src/engine/container/reconcile.ts';
import { makeContext } from '../../src/engine/context.ts';
import { containerByName } from '../../src/store/container-row.ts';
import { eventually, pause } from '../harness/program.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import { childrenOf, killNow, randomOf, shimsOf, tellsTheTruth } from './truth.ts';

const rounds = 200;
const victims = ['command', 'shim', 'init', 'command and shim'] as const;
type Victim = (typeof victims)[number];

function targets(victim: Victim, command: number, root: string): number[] {
  const shims = shimsOf(root);
  switch (victim) {
    case 'command':
      return [command];
    case 'shim':
      return shims;
    case 'init':
      return shims.flatMap(childrenOf);
    case 'command and shim':
      return [command, ...shims];
  }
}

async function round(world: World, random: () => number): Promise<string> {
  const network = random() < 0.3 ? 'bridge' : 'none';
  const flags = [...(random() < 0.5 ? ['-d'] : []), ...(random() < 0.5 ? ['--rm'] : []), '--network', network];
  const seconds = random() < 0.5 ? '0' : '60';
  const victim = victims[Math.floor(random() * victims.length)] ?? 'command';
  const delay = Math.floor(random() * 80);
  const what = `kill ${victim} of "run ${flags.join(' ')} sleep ${seconds}" after ${delay} ms`;
  const running = world.start(['run', ...flags, world.image, 'sleep', seconds]);
  await pause(delay);
  killNow(targets(victim, running.pid, world.root));
  if (victim === 'init' || victim === 'shim') await pause(5);
  await tellsTheTruth(world);
  const left = (await world.ok(['ps', '-aq', '--no-trunc'])).split('\n').filter(Boolean);
  for (const id of left) {
    const removed = await world.onggi(['rm', '-f', id]);
    const gone = removed.status === 0 || /No such container/.test(removed.stderr);
    assert.ok(gone, `${what}: rm -f: ${removed.stderr}`);
  }
  killNow([running.pid]);
  await running.outcome.catch(() => {});
  return what;
}

systemTest(
  `${rounds} times kill -9 at a random moment leaves the truth and nothing else`,
  ['bridge', 'veth', 'nf_tables'],
  async (world) => {
    const seed = Date.now() % 1_000_000_007;
    const random = randomOf(seed);
    for (let count = 0; count < rounds; count++) {
      try {
        await round(world, random);
      } catch (error) {
        throw new Error(`seed ${seed}, round ${count}`, { cause: error });
      }
    }
    await eventually('all shims have ended', () => shimsOf(world.root).length === 0);
    await world.ok(['reconcile']);
  },
  { timeout: 400_000 },
);

systemTest('rows that somebody else settles while they are listed are read again', [], async (world) => {
  await world.ok(['run', '-d', '--name', 'c1', '--network', 'none', world.image, 'sleep', '60']);
  const context = makeContext({ root: world.root });
  try {
    const { database } = context.store;
    using look = beginLook(context.store);
    assert.equal(await settleStale(context, look), false);
    await world.ok(['kill', 'c1']);
    await eventually('its end is written down', () => containerByName(database, 'c1')?.state === 'exited');
    // As for one whose look was over before that.
    assert.equal(await settleStale(context, { ended: () => [containerByName(database, 'c1')?.id ?? ''] }), true);
    assert.equal(await settleStale(context), false);
  } finally {
    context.close();
  }
});

/**
 * Eight workers act on a handful of containers, in each other's way, while commands, shims, inits and now and then all
 * of them at once are killed with SIGKILL. Meanwhile no command may fail in a way that its user could not have caused;
 * afterwards the truth is told, everything can be removed and nothing is left. `make chaos` goes on for longer.
 */
import assert from 'node:assert/strict';
import { eventually, pause } from '../harness/program.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import { linesOf } from './container-view.ts';
import { childrenOf, killNow, randomOf, shimsOf, tellsTheTruth } from './truth.ts';

const seconds = Number(process.env['ONGGI_TEST_CHAOS_SECONDS'] ?? 30);
const workers = 8;
const names = Array.from({ length: 10 }, (_, index) => `c${index}`);

type Random = () => number;

function pick<T>(random: Random, list: readonly T[]): T {
  const found = list[Math.floor(random() * list.length)];
  assert.ok(found !== undefined);
  return found;
}

function someCommand(random: Random, image: string): string[] {
  const name = pick(random, names);
  const network = random() < 0.2 ? 'bridge' : 'none';
  const create = [...(random() < 0.3 ? ['--rm'] : []), '--name', name, '--network', network, image];
  const commands: readonly (() => string[])[] = [
    () => ['run', '-d', ...create, 'sleep', '60'],
    () => ['run', ...create, 'true'],
    () => ['create', ...create, 'sleep', '60'],
    () => ['start', name],
    () => ['exec', name, 'true'],
    () => ['restart', '-t', '0', name],
    () => ['stop', '-t', '0', name],
    () => ['kill', name],
    () => ['rm', '-f', name],
    () => ['logs', name],
    () => ['ps', '-a'],
    () => ['inspect', name],
  ];
  return pick(random, commands)();
}

/** What shows that something broke, not that somebody was slower or was killed. */
const broken = /internal|SQLITE|TypeError|undefined|EBADF|ENOTEMPTY|ENOENT|at .*\.[jt]s:\d|no pid|corrupt/i;

type Running = Map<number, string>;

async function work(world: World, random: Random, running: Running, until: number): Promise<number> {
  let done = 0;
  while (Date.now() < until) {
    const args = someCommand(random, world.image);
    const command = world.start(args);
    running.set(command.pid, args.join(' '));
    const { status, signal, stderr } = await command.outcome;
    running.delete(command.pid);
    if (status === 0) done += 1;
    const said = `${args.join(' ')}: status ${status}, signal ${signal}: ${stderr}`;
    assert.ok(signal === null || signal === 'SIGKILL', said);
    assert.doesNotMatch(stderr, broken, said);
    // 137: a run or exec in the foreground whose container was killed.
    assert.ok(status === null || [0, 1, 125, 126, 127, 137, 143].includes(status), said);
  }
  return done;
}

function victims(world: World, random: Random, running: Running): readonly number[] {
  const shims = shimsOf(world.root);
  const kind = random();
  if (kind < 0.05) return [...running.keys(), ...shims];
  if (kind < 0.4) return running.size === 0 ? [] : [pick(random, [...running.keys()])];
  if (shims.length === 0) return [];
  const shim = pick(random, shims);
  return kind < 0.7 ? [shim] : childrenOf(shim);
}

async function havoc(world: World, random: Random, running: Running, until: number): Promise<number> {
  let killed = 0;
  while (Date.now() < until) {
    await pause(50 + Math.floor(random() * 250));
    const pids = victims(world, random, running);
    killNow(pids);
    killed += pids.length;
  }
  return killed;
}

systemTest(
  `${workers} workers and a killer for ${seconds} s leave the truth and nothing else`,
  ['bridge', 'veth', 'nf_tables'],
  async (world) => {
    const seed = Date.now() % 1_000_000_007;
    const random = randomOf(seed);
    const running: Running = new Map();
    const until = Date.now() + seconds * 1000;
    try {
      const all = Array.from({ length: workers }, () => work(world, random, running, until));
      const [killed, ...done] = await Promise.all([havoc(world, random, running, until), ...all]);
      assert.ok(killed > seconds / 2, `only ${killed} were killed`);
      assert.ok(done.reduce((sum, count) => sum + count, 0) > seconds, `only ${done.join('+')} commands succeeded`);
      await tellsTheTruth(world);
      const left = linesOf(await world.ok(['ps', '-aq']));
      if (left.length > 0) await world.ok(['rm', '-f', ...left]);
      assert.deepEqual(linesOf(await world.ok(['ps', '-aq'])), []);
      await eventually('all shims have ended', () => shimsOf(world.root).length === 0);
      await world.ok(['reconcile']);
      await world.ok(['system', 'check']);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  },
  { timeout: (seconds + 120) * 1000 },
);

/**
 * kill -9 of anything at any moment: afterwards `ps -a` tells the truth, `rm` works and nothing is left
 * (ARCHITECTURE, "Who knows the truth"). Delays are random, so that each run tries other moments; the seed of a failed
 * one is in its message.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { eventually, pause } from '../harness/program.ts';
import { systemTest, type World } from '../harness/system-test.ts';

const rounds = 200;
const victims = ['command', 'shim', 'init', 'command and shim'] as const;
type Victim = (typeof victims)[number];

/** A small generator (mulberry32) of numbers from 0 to 1, so that a failure can be repeated. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** Pids of the shims of a store's containers: their title is the id, which the store's directory lists. */
function shimsOf(root: string): number[] {
  const ids = new Set(readdirSync(`${root}/containers`));
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => commandLine(pid).some((word) => ids.has(word))).map(Number);
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function killNow(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It was faster.
    }
  }
}

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

function alive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

type Inspected = { readonly State: { readonly Status: string; readonly Pid: number } };

/** What `ps -a` lists as up has a living init, and what it does not list so has none. */
async function tellsTheTruth(world: World): Promise<void> {
  const ids = (await world.ok(['ps', '-aq', '--no-trunc'])).split('\n').filter(Boolean);
  for (const id of ids) {
    const { status, stdout } = await world.onggi(['inspect', id]);
    if (status !== 0) continue; // --rm: it ended between the two commands
    const [found] = JSON.parse(stdout) as Inspected[];
    assert.ok(found);
    if (found.State.Status === 'running') {
      const stillUp = async (): Promise<boolean> => (await world.ok(['ps', '-q', '--no-trunc'])).includes(id);
      assert.ok(alive(found.State.Pid) || !(await stillUp()), `${id} is "running", its init is not`);
    } else {
      assert.equal(found.State.Pid, 0);
    }
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

/** What is so of a store's containers, found out behind the engine's back, and what it says of them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import type { World } from '../harness/system-test.ts';

/** A small generator (mulberry32) of numbers from 0 to 1, so that a failure can be repeated. */
export function randomOf(seed: number): () => number {
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
export function shimsOf(root: string): number[] {
  const ids = new Set(readdirSync(`${root}/containers`));
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => commandLine(pid).some((word) => ids.has(word))).map(Number);
}

export function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

export function killNow(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It was faster.
    }
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
export async function tellsTheTruth(world: World): Promise<void> {
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

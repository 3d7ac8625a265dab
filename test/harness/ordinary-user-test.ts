/** A test with an ordinary user of the machine, and the proof that nothing is left. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { findLeaks, snapshot } from './leaks.ts';
import { lockMachine } from './machine-lock.ts';
import { makeUser, type OrdinaryUser, userId } from './ordinary-user.ts';
import { eventually } from './program.ts';
import { type Need, requires } from './requires.ts';
import { makeScratch } from './scratch.ts';

/** Whether a process of the user runs; one that has ended, and nobody has waited for, does not. */
function isAnybodyThere(): boolean {
  return readdirSync('/proc').some((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const status = readFileSync(`/proc/${name}/status`, 'utf8');
      return status.includes(`\nUid:\t${userId}\t`) && !/^State:\t[ZX]/m.test(status);
    } catch {
      return false;
    }
  });
}

export type UserTest = { readonly subIds?: boolean; readonly needs?: readonly Need[] };

export function ordinaryUserTest(
  title: string,
  { subIds = true, needs = [] }: UserTest,
  body: (user: OrdinaryUser, place: string) => Promise<void> | void,
): void {
  test(title, { timeout: 60_000, ...requires('root', 'newuidmap', 'busybox', ...needs) }, async () => {
    await lockMachine();
    const before = snapshot();
    {
      await using scratch = makeScratch();
      await body(makeUser(scratch.path, { subIds }), scratch.path);
      // What the shims run at the end must not lose its store under its feet.
      await eventually('no process of the user is left', async () => !isAnybodyThere());
    }
    const leaks = await findLeaks(before);
    assert.deepEqual(leaks, [], `left behind:\n${leaks.join('\n')}`);
  });
}

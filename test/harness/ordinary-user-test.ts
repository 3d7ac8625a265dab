/** A test with an ordinary user of the machine, and the proof that nothing is left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLeaks, snapshot } from './leaks.ts';
import { lockMachine } from './machine-lock.ts';
import { makeUser, type OrdinaryUser } from './ordinary-user.ts';
import { type Need, requires } from './requires.ts';
import { makeScratch } from './scratch.ts';

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
    }
    const leaks = await findLeaks(before);
    assert.deepEqual(leaks, [], `left behind:\n${leaks.join('\n')}`);
  });
}

import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { watchPaths } from './watch.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'onggi-watch-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Waits for a call; what came while nobody waited counts. */
function watched(...paths: string[]) {
  let calls = 0;
  let wake: (() => void) | undefined;
  const watch = watchPaths(paths, () => {
    calls++;
    wake?.();
  });
  return {
    calls: () => calls,
    async next() {
      if (calls === 0) await new Promise<void>((resolve) => (wake = resolve));
      calls = 0;
    },
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}

test('every way a directory changes is told', async () => {
  using watch = watched(directory);
  const file = join(directory, 'a');
  writeFileSync(file, '');
  await watch.next();
  appendFileSync(file, 'x');
  await watch.next();
  renameSync(file, `${file}.1`);
  await watch.next();
  rmSync(`${file}.1`);
  await watch.next();
});

test('the last of many changes is told however close they are', async () => {
  const file = join(directory, 'log');
  writeFileSync(file, '');
  using watch = watched(file);
  for (let round = 0; round < 200; round++) {
    for (let i = 0; i < 3; i++) appendFileSync(file, 'x');
    await watch.next();
  }
});

test('a watch that is over tells nothing, and may be ended twice', async () => {
  const watch = watched(directory);
  watch[Symbol.dispose]();
  watch[Symbol.dispose]();
  writeFileSync(join(directory, 'a'), '');
  using other = watched(directory);
  writeFileSync(join(directory, 'b'), '');
  await other.next();
  assert.equal(watch.calls(), 0);
});

test('a path that is not there', () => {
  const path = join(directory, 'missing');
  assert.throws(() => watchPaths([path], () => {}), { code: 'not-found', message: new RegExp(`watch "${path}"`) });
});

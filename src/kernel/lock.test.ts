import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Guard, isLocked, lock, tryLock } from './lock.ts';

let scratch = '';
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'onggi-lock-'));
});
afterEach(() => rmSync(scratch, { recursive: true }));

const code = (expected: string) => (error: unknown) => Reflect.get(Object(error), 'code') === expected;

/** Descriptors that are open on `path`; the waiting thread holds one as well. */
function opened(path: string): number {
  const links = readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return existsSync(path) && readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false;
    }
  });
  return links.length;
}

test('a second exclusive lock waits for the first, without blocking the event loop', async () => {
  const path = join(scratch, 'a');
  const first = await lock(path, 'exclusive');
  assert.equal(tryLock(path, 'shared'), undefined);
  assert.equal(isLocked(path), true);
  const order: string[] = [];
  const second = lock(path, 'exclusive').then((guard) => {
    order.push('second');
    return guard;
  });
  await sleep(20);
  order.push('timer');
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  using guard = await second;
  assert.deepEqual(order, ['timer', 'second']);
  assert.equal(guard.path, path);
  assert.equal(isLocked(path), true);
});

test('shared locks go together, and looking at a lock does not lock it', async () => {
  const path = join(scratch, 'a');
  assert.equal(isLocked(path), false);
  assert.equal(existsSync(path), false);
  using one = await lock(path, 'shared');
  using two = tryLock(path, 'shared');
  assert.ok(one.fd !== two?.fd);
  assert.equal(isLocked(path), false);
  assert.equal(tryLock(path, 'exclusive'), undefined);
});

test('a wait that is given up leaves no lock and no descriptor', async () => {
  const path = join(scratch, 'a');
  const first = await lock(path, 'exclusive');
  const given = new AbortController();
  const waiting = lock(path, 'exclusive', given.signal);
  await sleep(20);
  given.abort();
  await assert.rejects(waiting, code('cancelled'));
  await assert.rejects(lock(path, 'exclusive', given.signal), code('cancelled'));
  first[Symbol.dispose]();
  const again = await lock(path, 'exclusive');
  assert.ok(again.fd > 0);
  again[Symbol.dispose]();
  // The thread that was left behind gets the lock before or after that, and lets it go at once.
  for (let tries = 0; opened(path) > 0 && tries < 400; tries++) await sleep(5);
  assert.equal(opened(path), 0);
});

test('twenty tasks take turns', async () => {
  const path = join(scratch, 'a');
  let inside = 0;
  const task = async (): Promise<void> => {
    using _guard: Guard = await lock(path, 'exclusive');
    assert.equal(++inside, 1);
    await sleep(1);
    inside--;
  };
  await Promise.all(Array.from({ length: 20 }, task));
});

test('a lock whose file was removed meanwhile is taken on the new file', async () => {
  const path = join(scratch, 'a');
  const first = await lock(path, 'exclusive');
  const second = lock(path, 'exclusive');
  await sleep(20);
  rmSync(path);
  first[Symbol.dispose]();
  using guard = await second;
  assert.ok(guard.fd > 0);
  assert.equal(isLocked(path), true);
});

test('a killed process holds no lock', async () => {
  const path = join(scratch, 'a');
  const child = spawn('flock', ['-x', path, '-c', 'echo held; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  assert.equal(isLocked(path), true);
  const waiting = lock(path, 'exclusive');
  // The group: flock(1) waits for its command, which holds the descriptor as well.
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  using guard = await waiting;
  assert.equal(guard.mode, 'exclusive');
});

test('a missing directory is told', async () => {
  await assert.rejects(lock(join(scratch, 'no/a'), 'exclusive'), code('not-found'));
});

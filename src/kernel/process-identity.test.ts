import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  effectiveCapabilities,
  isAlive,
  parseProcessStat,
  processIdentity,
  signalProcess,
} from './process-identity.ts';

const code = (expected: string) => (error: unknown) => Reflect.get(Object(error), 'code') === expected;
const tail = `1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 ${2n ** 60n} 20 21`;

test('the name of a command may look like anything', () => {
  for (const name of ['sh', 'a b', ') S 1 (', '((', 'x) R 2']) {
    assert.deepEqual(parseProcessStat(`42 (${name}) S ${tail}`), {
      pid: 42,
      startTime: 2n ** 60n,
      state: 'S',
      parent: 1,
      executed: true,
    });
  }
});

test('a process that was only forked has executed nothing', () => {
  // The flags are field 9, and fork sets bit 6 of them.
  for (const flags of [64, 0x400040]) {
    const text = `42 (sh) S 1 2 3 4 5 ${flags} 7 8 9 10 11 12 13 14 15 16 17 18 99 20`;
    assert.deepEqual(parseProcessStat(text), { pid: 42, startTime: 99n, state: 'S', parent: 1, executed: false });
  }
});

for (const text of ['', '42', '42 (sh) S 1 2', 'x (sh) S 1', `42 (sh) S ${tail.replaceAll('1', 'x')}`]) {
  test(`"${text}" is refused`, () => assert.throws(() => parseProcessStat(text), code('corrupt')));
}

test('a process is known by pid and start time', async () => {
  const child = spawn('sleep', ['60']);
  const pid = child.pid ?? 0;
  const identity = processIdentity(pid);
  assert.ok(identity);
  assert.equal(isAlive(identity), true);
  const reused = { pid, startTime: identity.startTime - 1n };
  assert.equal(isAlive(reused), false);
  assert.equal(signalProcess(reused, 9), false);
  assert.equal(isAlive(identity), true);
  assert.equal(signalProcess(identity, 15), true);
  const [, signal] = await once(child, 'exit');
  assert.equal(signal, 'SIGTERM');
  assert.equal(isAlive(identity), false);
  assert.equal(signalProcess(identity, 15), false);
  assert.equal(processIdentity(pid), undefined);
});

test('a zombie is not alive', async () => {
  // The shell becomes a sleep that does not wait for its child.
  const parent = spawn('sh', ['-c', 'sleep 0.01 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = await once(parent.stdout, 'data');
  const pid = Number(String(line));
  const identity = processIdentity(pid);
  assert.ok(identity);
  for (let tries = 0; isAlive(identity) && tries < 200; tries++) await new Promise((r) => setTimeout(r, 5));
  assert.match(readFileSync(`/proc/${pid}/stat`, 'latin1'), / Z /);
  assert.equal(isAlive(identity), false);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
});

test('own capabilities are those of /proc/self/status', () => {
  const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'));
  assert.equal(effectiveCapabilities(), BigInt(`0x${line?.[1]}`));
});

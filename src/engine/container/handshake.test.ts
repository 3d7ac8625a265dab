import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../../errors.ts';
import type { ShimEvent } from '../../kernel/shim-client.ts';
import type { Plan } from '../../runtime/plan/steps.ts';
import { exitReport, fakeShim, outputEvent } from '../testing.ts';
import { endingOfReport, firstStatus, type Output, until, untilExit } from './handshake.ts';

const plan = {
  prepare: [],
  spawn: { kind: 'clone' },
  attach: [],
  init: [{ op: 'find-executable', command: 'nosuch' }],
  cleanup: [],
} as unknown as Plan;

const status = (state: 'created' | 'running'): ShimEvent => ({ type: 'status', state, pid: 7, startTime: 9n });
const failed: ShimEvent = { type: 'fail', phase: 'init', step: 2, errno: 2, text: 'find "nosuch"' };
const exit: ShimEvent = { type: 'exit', ...exitReport, exitCode: 127 };

async function run(state: 'created' | 'running', said: readonly ShimEvent[], end?: Error) {
  const early: Output[] = [];
  const warnings: string[] = [];
  const shim = fakeShim(said, end);
  const told = await until(state, shim.client, plan, early, (message) => warnings.push(message));
  return { told, early, warnings, taken: shim.taken() };
}

test('the state that was waited for, and what came before it', async () => {
  const warn: ShimEvent = { type: 'warn', phase: 'prepare', step: 0, errno: 16, text: 'set "x"' };
  const said = [status('created'), warn, outputEvent('a'), outputEvent('b', 'stderr'), status('running'), exit];
  const { told, early, warnings, taken } = await run('running', said);
  assert.deepEqual([told.state, told.pid, told.startTime], ['running', 7, 9n]);
  assert.deepEqual(
    early.map(({ stream, bytes }) => [stream, String(bytes)]),
    [
      ['stdout', 'a'],
      ['stderr', 'b'],
    ],
  );
  assert.deepEqual(warnings, ['set "x": device or resource busy']);
  assert.equal(taken, 5, 'what comes after it is the session’s');
});

test('a failed step is the error, told when the exit makes it final', async () => {
  await assert.rejects(run('running', [status('created'), failed, exit]), {
    code: 'command-not-found',
    message: 'exec: "nosuch": executable file not found in $PATH',
  });
});

test('an end that somebody has brought about is told as that', async () => {
  const killed: ShimEvent = { ...exit, sender: { pid: 4, uid: 0, signal: 9 } };
  for (const said of [[failed, killed], [killed]]) {
    await assert.rejects(run('running', said), {
      code: 'conflict',
      message: 'start container: it was ended before it ran, by signal 9 of process 4',
    });
  }
});

test('an end without a failed step, and a shim that goes away', async () => {
  await assert.rejects(run('created', [exit]), { code: 'internal', message: /the init ended with status 127/ });
  await assert.rejects(run('created', []), { code: 'unavailable', message: /^start container: its shim went away/ });
  await assert.rejects(run('running', [status('created'), failed]), { code: 'unavailable' });
  const broken = new OnggiError('corrupt', 'shim: a frame of no type');
  await assert.rejects(run('created', [], broken), broken);
});

test('the exit, or nothing when the shim is gone', async () => {
  assert.equal((await untilExit(fakeShim([outputEvent('x'), exit]).client))?.exitCode, 127);
  assert.equal(await untilExit(fakeShim([outputEvent('x')]).client), undefined);
  assert.equal(await untilExit(fakeShim([], new OnggiError('unavailable', 'gone')).client), undefined);
});

test('the first word on its state, or nothing when the shim is gone', async () => {
  const running = { type: 'status', state: 'running', pid: 7, startTime: 9n } as const;
  assert.deepEqual(await firstStatus(fakeShim([outputEvent('x'), running, exit]).client), running);
  assert.equal(await firstStatus(fakeShim([outputEvent('x'), exit]).client), undefined);
  assert.equal(await firstStatus(fakeShim([], new OnggiError('unavailable', 'gone')).client), undefined);
});

test('a report as an ending: nanoseconds become milliseconds', () => {
  const sender = { pid: 4, uid: 0, signal: 15 };
  const ending = endingOfReport({ ...exitReport, exitCode: 143, sender, oom: 'host', finishedAt: 1_799_999_999_999n });
  assert.deepEqual(ending, {
    exitCode: 143,
    signal: 0,
    oom: 'host',
    coreDumped: false,
    failure: null,
    sender,
    finishedAt: 1_799_999,
    lost: false,
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { OnggiError } from '../../errors.ts';
import { exitReport, fakeShim, outputEvent } from '../testing.ts';
import type { Session } from '../types.ts';
import { lostEnding } from './ending.ts';
import { endingOfReport } from './handshake.ts';
import { openSession, type SessionEnd } from './session.ts';

const end: SessionEnd = { ended: async (report) => endingOfReport(report), lost: async () => lostEnding(5) };
const exit = { type: 'exit', ...exitReport, exitCode: 3 } as const;

async function textOf(session: Session): Promise<string> {
  let text = '';
  for await (const { stream, bytes } of session.output) text += `${stream[3]}${String(bytes)} `;
  return text;
}

test('output in its order, what came early first; then the exit', async () => {
  const shim = fakeShim([outputEvent('b'), outputEvent('c', 'stderr'), exit]);
  const session = openSession(shim.client, end, [outputEvent('a')]);
  assert.equal(await textOf(session), 'oa ob ec ');
  assert.equal((await session.exit).exitCode, 3);
  assert.deepEqual(shim.calls, [['close']], 'the shim need not wait for us');
  assert.equal(await textOf(session), '', 'output is read once');
});

test('who asks only for the exit gets it, if there was little output', async () => {
  const shim = fakeShim([...Array.from({ length: 50 }, () => outputEvent('x'.repeat(1000))), exit]);
  const session = openSession(shim.client, end);
  assert.equal((await session.exit).exitCode, 3);
  assert.equal((await textOf(session)).length, 50 * 1002);
});

test('output that nobody reads is not taken from the shim beyond a megabyte', async () => {
  const block = outputEvent('x'.repeat(100_000));
  const shim = fakeShim([...Array.from({ length: 40 }, () => block), exit]);
  const session = openSession(shim.client, end);
  for (let count = 0; count < 20; count++) await turn();
  assert.equal(shim.taken(), 11);
  let seen = 0;
  for await (const { bytes } of session.output) {
    seen += bytes.length;
    assert.ok(shim.taken() * 100_000 - seen <= 1_200_000, `${shim.taken()} taken, ${seen} read`);
  }
  assert.equal(seen, 4_000_000);
  assert.equal((await session.exit).exitCode, 3);
});

test('a shim that goes away is lost; another failure is the exit’s', async () => {
  const gone = new OnggiError('unavailable', 'the shim went away');
  for (const shim of [fakeShim([outputEvent('a')]), fakeShim([outputEvent('a')], gone)]) {
    const session = openSession(shim.client, end);
    assert.equal(await textOf(session), 'oa ');
    assert.deepEqual(await session.exit, lostEnding(5));
  }
  const broken = new OnggiError('corrupt', 'a frame of no type');
  const session = openSession(fakeShim([outputEvent('a')], broken).client, end);
  assert.equal(await textOf(session), 'oa ');
  await assert.rejects(session.exit, broken);
});

test('closing leaves the process alone and ends the waiting', async () => {
  const shim = fakeShim([outputEvent('a')], 'silent');
  {
    await using session = openSession(shim.client, end);
    await turn();
    session.close();
    assert.equal(await textOf(session), 'oa ');
    await assert.rejects(session.exit, { code: 'cancelled' });
  }
  assert.ok(shim.calls.every(([name]) => name === 'close'));
});

test('input, size and signals go to the shim; one that nobody hears any more is no error', async () => {
  const shim = fakeShim([], 'silent');
  const deaf = { ...shim.client, signal: () => Promise.reject(new OnggiError('unavailable', 'gone')) };
  const session = openSession(shim.client, end);
  await session.write(Buffer.from('in'));
  session.closeStdin();
  session.resize(24, 80);
  session.signal(15);
  assert.deepEqual(shim.calls, [['write', Buffer.from('in')], ['closeStdin'], ['resize', 24, 80], ['signal', 15]]);
  session.close();
  openSession({ ...deaf, events: fakeShim([exit]).client.events }, end).signal(15);
  await turn();
});

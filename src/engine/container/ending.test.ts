import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ContainerSummary, Ending } from '../types.ts';
import { endingOf, explainEnding, lostEnding, parseExitRecord, readEnding, signalName } from './ending.ts';

const record = {
  exitCode: 137,
  signal: 9,
  oom: 'cgroup',
  coreDumped: false,
  failure: null,
  sender: { pid: 12, uid: 0, signal: 9 },
  startedAt: '1795000000000000000',
  finishedAt: '1795000000123456789',
};

const ending: Ending = {
  exitCode: 137,
  signal: 9,
  oom: 'cgroup',
  coreDumped: false,
  failure: null,
  sender: { pid: 12, uid: 0, signal: 9 },
  finishedAt: 1_795_000_000_123,
  lost: false,
};

test('a record as the shim writes it', () => {
  assert.deepEqual(endingOf(parseExitRecord(JSON.stringify(record))), ending);
  const failure = { phase: 2, index: 17, errno: 2, text: 'mount "/x"' };
  assert.equal(endingOf(parseExitRecord(JSON.stringify({ ...record, failure }))).failure, 'mount "/x"');
});

test('a record that a disk has damaged is refused', () => {
  const wrong = (change: object) => JSON.stringify({ ...record, ...change });
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '\0'.repeat(100),
    JSON.stringify(record).slice(0, 40),
    wrong({ exitCode: -1 }),
    wrong({ exitCode: 1.5 }),
    wrong({ exitCode: '0' }),
    wrong({ oom: 'moon' }),
    wrong({ sender: { pid: 1 } }),
    wrong({ finishedAt: 5 }),
    wrong({ finishedAt: '1e9' }),
    wrong({ finishedAt: undefined }),
  ]) {
    assert.throws(() => parseExitRecord(text), { code: 'corrupt', message: /^exit record: / }, text);
  }
});

test('none is there, one is there, one can’t be read', () => {
  const directory = mkdtempSync(join(tmpdir(), 'onggi-ending-'));
  using _ = { [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
  const path = join(directory, 'exit.json');
  assert.equal(readEnding(path), undefined);
  writeFileSync(path, JSON.stringify({ ...record, released: true }));
  assert.deepEqual(readEnding(path), { ending, released: true });
  // Of a shim of an earlier version.
  writeFileSync(path, JSON.stringify(record));
  assert.deepEqual(readEnding(path), { ending, released: false });
  assert.throws(() => readEnding(directory), { message: /^read exit record "/ });
});

test('names of signals', () => {
  assert.deepEqual([15, 9, 64, 200].map(signalName), ['SIGTERM', 'SIGKILL', 'signal 64', 'signal 200']);
});

const container = (status: ContainerSummary['status']) => ({ status, pid: 4242 }) as ContainerSummary;
const none: Ending = { ...ending, exitCode: 0, signal: 0, oom: null, sender: null };

test('the answer of why, case by case', () => {
  const told = (change: Partial<Ending>, limit: number | null = null) =>
    explainEnding(container('exited'), { ...none, ...change }, limit).join(' | ');
  assert.deepEqual(explainEnding(container('created'), null, null), ['It was never started.']);
  assert.deepEqual(explainEnding(container('running'), null, null), ['It is running, as process 4242.']);
  assert.equal(told({}), 'Its command ended by itself, with success (exit status 0).');
  assert.equal(told({ exitCode: 3 }), 'Its command ended by itself with exit status 3.');
  assert.match(told({ exitCode: 143 }), /exit status 143, which shells use for "SIGTERM killed my child"\.$/);
  assert.equal(told({ exitCode: 255 }), 'Its command ended by itself with exit status 255.');
  assert.equal(
    told({ exitCode: 139, signal: 11, coreDumped: true }),
    'It was killed by SIGSEGV (exit status 139), and dumped core.',
  );
  assert.match(told({ exitCode: 137, signal: 9 }), /SIGKILL.* \| The signal did not pass through its shim/);
  assert.equal(
    told({ exitCode: 143, signal: 15, sender: { pid: 5, uid: 1000, signal: 15 } }),
    'It was killed by SIGTERM (exit status 143). | SIGTERM was sent by process 5 of user 1000.',
  );
  assert.match(
    told({ exitCode: 137, signal: 9, oom: 'cgroup' }, 1024),
    /its own memory limit of 1024 bytes was reached/,
  );
  assert.match(told({ exitCode: 137, signal: 9, oom: 'host' }), /the machine, or a cgroup above it, ran out of memory/);
  assert.equal(told({ exitCode: 127, failure: 'exec: "x"' }), 'The command never ran: exec: "x". | Exit status 127.');
  assert.match(explainEnding(container('exited'), lostEnding(1), null).join(' '), /ended without recording how.* 137/);
});

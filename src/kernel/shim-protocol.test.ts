import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ShimEvent } from './frame.ts';
import { accept, type ClientState } from './shim-protocol.ts';

const code = (expected: string) => (error: unknown) => Reflect.get(Object(error), 'code') === expected;

const report = { phase: 'init', step: 1, errno: 2, text: '' } as const;
const samples: Readonly<Record<string, ShimEvent>> = {
  creating: { type: 'status', state: 'creating', pid: 0, startTime: 0n },
  created: { type: 'status', state: 'created', pid: 1, startTime: 1n },
  running: { type: 'status', state: 'running', pid: 1, startTime: 1n },
  exited: { type: 'status', state: 'exited', pid: 1, startTime: 1n },
  output: { type: 'output', stream: 'stdout', bytes: new Uint8Array() },
  warn: { type: 'warn', ...report },
  fail: { type: 'fail', ...report },
  exit: {
    type: 'exit',
    exitCode: 0,
    signal: 0,
    oom: null,
    coreDumped: false,
    neverRan: false,
    released: true,
    sender: null,
    finishedAt: 0n,
  },
};

function run(words: string): ClientState {
  return words.split(' ').reduce<ClientState>((state, word) => {
    const event = samples[word];
    assert.ok(event, word);
    return accept(state, event);
  }, 'greeted');
}

const good: readonly (readonly [string, ClientState])[] = [
  ['creating warn warn created running output output exit', 'ended'],
  ['warn created output running exited output exit', 'ended'],
  ['creating running output exit', 'ended'],
  ['creating fail exit', 'ended'],
  ['created fail exit', 'ended'],
  ['created exit', 'ended'],
  ['exited exit', 'ended'],
  ['exited fail exit', 'ended'],
  ['creating fail exited exit', 'ended'],
  ['running', 'running'],
];

for (const [words, end] of good) {
  test(`${words} ends ${end}`, () => assert.equal(run(words), end));
}

const bad = [
  'output',
  'exit',
  'fail',
  'created creating',
  'running created',
  'running running',
  'running fail',
  'created created',
  'exited running',
  'creating fail running',
  'creating fail fail',
  'running exit output',
  'running exit exit',
  'running exit warn',
];

for (const words of bad) {
  test(`${words} is refused`, () => assert.throws(() => run(words), code('corrupt')));
}

import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { OnggiError } from '../errors.ts';
import { parseSignal, signalName } from './signal.ts';

test('numbers are those of this machine', () => {
  for (const [name, number] of Object.entries(constants.signals)) {
    assert.equal(parseSignal(name), number, name);
  }
});

test('names and numbers are inverse to each other', () => {
  for (let number = 1; number <= 64; number++) {
    if (number === 32 || number === 33) continue;
    assert.equal(parseSignal(signalName(number)), number);
  }
  assert.equal(signalName(32), 'signal 32');
});

const accepted: [string, number][] = [
  ['KILL', 9],
  ['sigterm', 15],
  ['9', 9],
  ['RTMIN', 34],
  ['SIGRTMIN+3', 37],
  ['rtmax-1', 63],
  ['64', 64],
];
for (const [text, number] of accepted) {
  test(`"${text}" is ${number}`, () => assert.equal(parseSignal(text), number));
}

for (const text of [
  '',
  '0',
  '65',
  '-1',
  '1.5',
  'SIG',
  'NONSENSE',
  'RTMIN-1',
  'RTMAX+1',
  'toString',
  '9 ',
  '__proto__',
]) {
  test(`"${text}" is refused`, () => {
    assert.throws(
      () => parseSignal(text),
      (error) => error instanceof OnggiError && error.code === 'invalid',
    );
  });
}

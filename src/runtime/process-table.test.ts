import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../errors.ts';
import { selectLines } from './process-table.ts';

const output = `UID          PID    PPID CMD
root           1       0 init
me            12       1 sh -c 1
`;

test('the lines of the container stay, below the heading', () => {
  const heading = 'UID          PID    PPID CMD';
  assert.deepEqual(selectLines(output, new Set(['12'])), [heading, 'me            12       1 sh -c 1']);
  assert.deepEqual(selectLines(output, new Set()), [heading]);
});

test('without a column of pids nothing can be told', () => {
  assert.throws(
    () => selectLines('CMD\nsh\n', new Set(['1'])),
    (error) => error instanceof OnggiError,
  );
});

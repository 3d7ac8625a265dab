/**
 * The bad cases of the table of `run`'s flags: refused by name with status 125, before anything is made. And that the
 * table is whole. How a row is added: run-flag-rows/row.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { command } from '../../src/cli/commands/run.ts';
import { systemTest } from '../harness/system-test.ts';
import type { Row } from './run-flag-rows/row.ts';
import { dockerFlags, rows } from './run-flag-rows/table.ts';

test('every flag of run, and every one of Docker’s, has one row in the table', () => {
  const names = rows.map(({ flag }) => flag);
  assert.deepEqual([...names].sort(), [...new Set(names)].sort());
  const { refused = {} } = command;
  const known = new Set(names);
  assert.deepEqual(
    Object.keys(command.flags).filter((name) => !known.has(name)),
    [],
  );
  const refusedNames = new Set([...(refused.values ?? []), ...(refused.switches ?? [])]);
  for (const name of dockerFlags) assert.ok(known.has(name) || refusedNames.has(name), name);
  for (const row of rows) assert.equal('refused' in row && !row.says, refusedNames.has(row.flag), row.flag);
});

systemTest('wrong values are refused by name before anything is made', [], async (world) => {
  const refused = async (row: Row) => {
    const [words, says] =
      'bad' in row ? row.bad : [row.refused, row.says ?? new RegExp(`flag --${row.flag} is not supported`)];
    // A flag without its value is the last word.
    const missing = /^flag needs an argument/.test(says.source);
    const image = missing ? [] : [world.image, 'true'];
    const { status, stderr } = await world.onggi(['run', '--name', `bad-${row.flag}`, ...words, ...image]);
    assert.match(stderr, says, `--${row.flag}`);
    assert.equal(status, 125, `--${row.flag}: ${stderr}`);
  };
  // A few at a time: they have nothing to do with one another.
  const left = [...rows];
  const work = async () => {
    for (let row = left.shift(); row !== undefined; row = left.shift()) await refused(row);
  };
  await Promise.all([work(), work(), work()]);
  // The names tell which rows they are.
  assert.equal(await world.ok(['ps', '-a', '--format', '{{.Names}}']), '');
});

systemTest('create ends with the status of run where the command line alone is wrong', [], async (world) => {
  const wrong = [
    ['--env-file', '/nowhere'],
    ['--security-opt', 'seccomp=/nowhere'],
    ['--no-healthcheck', '--health-cmd', 'true'],
    ['--rm', '--restart', 'always'],
  ];
  for (const words of wrong) {
    const { status, stderr } = await world.onggi(['create', ...words, world.image, 'true']);
    assert.match(stderr, /^onggi: /);
    assert.equal(status, 125, stderr);
  }
});

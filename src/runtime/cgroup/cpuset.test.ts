import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../../errors.ts';
import { checkCpuset, parseList } from './cpuset.ts';

test('lists as the kernel reads them', () => {
  assert.deepEqual(parseList('0-2,7'), [0, 1, 2, 7]);
  assert.deepEqual(parseList('3,1,1-2\n'), [1, 2, 3]);
  assert.deepEqual(parseList('0-7:2/4'), [0, 1, 4, 5]);
  for (const bad of ['', 'a', '2-1', '1,,2', '-1', '0x1', '1-', '999999']) assert.equal(parseList(bad), undefined, bad);
});

test('what the machine does not have is named with what it has', () => {
  const offer = { cpus: '0-3', mems: '0' };
  checkCpuset({ cpus: '1-3', mems: '0' }, offer);
  checkCpuset({ cpus: '' }, offer);
  checkCpuset({ cpus: '99' }, undefined);
  for (const [cpu, hint] of [
    [{ cpus: '3-4' }, 'This machine offers "0-3".'],
    [{ mems: '1' }, 'This machine offers "0".'],
    [{ cpus: 'all' }, 'Write numbers and ranges with commas: "0-2,7".'],
  ] as const) {
    assert.throws(
      () => checkCpuset(cpu, offer),
      (error) => error instanceof OnggiError && error.code === 'invalid' && error.hint === hint,
    );
  }
});

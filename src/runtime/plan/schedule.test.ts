import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileAffinity } from './schedule.ts';

const process = (initial: string, final?: string) =>
  ({
    user: { uid: 0, gid: 0 },
    cwd: '/',
    execCPUAffinity: { initial, ...(final !== undefined && { final }) },
  }) as const;

test('a list of CPUs is a mask', () => {
  const { prepare, init } = compileAffinity(process('0-2, 9', '8191'));
  const [step] = prepare;
  assert.deepEqual(step, { op: 'cpu-affinity', mask: new Uint8Array([0b111, 0b10]), list: '0-2, 9' });
  const [last] = init;
  assert.ok(last?.op === 'cpu-affinity');
  assert.deepEqual([last.mask.length, last.mask.at(-1), last.mask.at(-2)], [1024, 0x80, 0]);
});

test('nothing asked, nothing done', () => {
  assert.deepEqual(compileAffinity({ user: { uid: 0, gid: 0 }, cwd: '/' }), { prepare: [], init: [] });
  assert.deepEqual(compileAffinity(process('')), { prepare: [], init: [] });
});

for (const list of ['a', '3-1', '8192', '1,', '-1', '1-2-3', '1;2']) {
  test(`"${list}" is no list of CPUs`, () =>
    assert.throws(() => compileAffinity(process(list)), {
      message: `process.execCPUAffinity.initial: "${list}" is not a list of CPUs such as "0-3,7"`,
    }));
}

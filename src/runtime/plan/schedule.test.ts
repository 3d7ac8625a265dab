import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileAffinity, compileMemoryPolicy } from './schedule.ts';

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

test('a memory policy is a mode with flags and a mask of nodes', () => {
  const asked = { mode: 'MPOL_INTERLEAVE', nodes: '0-1,9', flags: ['MPOL_F_STATIC_NODES'] };
  const words = 'MPOL_INTERLEAVE MPOL_F_STATIC_NODES 0-1,9';
  const mask = new Uint8Array([0b11, 0b10]);
  assert.deepEqual(compileMemoryPolicy(asked), [{ op: 'memory-policy', mode: 3 | (1 << 15), mask, words }]);
  assert.deepEqual(compileMemoryPolicy(undefined), []);
  const [local] = compileMemoryPolicy({ mode: 'MPOL_LOCAL' });
  assert.deepEqual(local, { op: 'memory-policy', mode: 4, mask: new Uint8Array(), words: 'MPOL_LOCAL' });
  for (const [wrong, field] of [
    [{ mode: 'BIND' }, 'mode'],
    [{ mode: 'MPOL_BIND', nodes: '1024' }, 'nodes'],
    [{ mode: 'MPOL_BIND', nodes: '0', flags: ['X'] }, 'flags'],
  ] as const) {
    assert.throws(() => compileMemoryPolicy(wrong), new RegExp(`linux\\.memoryPolicy\\.${field}`));
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { putInScope } from './shim-scope.ts';

const id = 'abcdef012345'.repeat(5);
const unit = 'onggi-shim-abcdef012345-7.scope';

async function put(cgroups: string): Promise<string[]> {
  const calls: string[] = [];
  const manager = {
    startTransient: async (name: string) => void calls.push(`start ${name}`),
    stop: async (name: string) => void calls.push(`stop ${name}`),
  };
  await putInScope(manager, 7, id, (pid) => (pid === 7 ? cgroups : ''));
  return calls;
}

test('a shim that is in its scope is left there, on either version of cgroups', async () => {
  assert.deepEqual(await put(`0::/system.slice/${unit}\n`), [`start ${unit}`]);
  assert.deepEqual(await put(`2:cpu:/x\n1:name=systemd:/system.slice/${unit}\n`), [`start ${unit}`]);
});

test('the scope of a shim that ended while it was moved is taken back', async () => {
  assert.deepEqual(await put('0::/user.slice/session-1.scope\n'), [`start ${unit}`, `stop ${unit}`]);
  assert.deepEqual(await put(''), [`start ${unit}`, `stop ${unit}`]);
});

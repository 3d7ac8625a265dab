import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../errors.ts';
import { execPlacement, parseSubCgroup } from './exec-cgroup.ts';

const hybrid = {
  unified: '/u/c',
  legacy: [
    { controllers: ['cpu', 'cpuacct'], directory: '/cpu/c' },
    { controllers: ['memory'], directory: '/memory/c' },
    { controllers: [], directory: '/systemd/c' },
  ],
};
const unified = { unified: '/u/c', legacy: [] };

test('a process begins where the container is', () => {
  assert.deepEqual(execPlacement(hybrid, [], '/u/c'), {
    unified: '/u/c',
    legacy: ['/cpu/c', '/memory/c', '/systemd/c'],
  });
  assert.deepEqual(execPlacement(unified, [], null), { unified: '/u/c', legacy: [] });
});

test('on v2 it follows the first process into a cgroup below, and nowhere else', () => {
  assert.equal(execPlacement(unified, [], '/u/c/init.scope').unified, '/u/c/init.scope');
  assert.equal(execPlacement(unified, [], '/u/cc').unified, '/u/c');
  assert.equal(execPlacement(unified, [], '/u/other').unified, '/u/c');
});

test('--cgroup names a cgroup below, for all hierarchies or by controller', () => {
  assert.deepEqual(execPlacement(hybrid, [parseSubCgroup('a/b')], null), {
    unified: '/u/c/a/b',
    legacy: ['/cpu/c/a/b', '/memory/c/a/b', '/systemd/c/a/b'],
  });
  assert.deepEqual(execPlacement(hybrid, [parseSubCgroup('cpu,memory:x')], null), {
    unified: '/u/c',
    legacy: ['/cpu/c/x', '/memory/c/x', '/systemd/c'],
  });
  assert.equal(execPlacement(unified, [parseSubCgroup('/')], '/u/c/init.scope').unified, '/u/c');
});

for (const text of ['../x', 'a/../b', 'a//b', './a', ':x', 'cpu,:x']) {
  test(`--cgroup "${text}" is refused`, () => assert.throws(() => parseSubCgroup(text), isInvalid));
}

test('a controller that is not mounted is refused', () => {
  assert.throws(() => execPlacement(hybrid, [parseSubCgroup('blkio:x')], null), isInvalid);
});

function isInvalid(error: unknown): boolean {
  return error instanceof OnggiError && error.code === 'invalid';
}

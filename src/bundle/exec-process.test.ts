import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../errors.ts';
import type { Process } from '../oci/runtime-spec.ts';
import { execProcess, type ProcessFlags, parseUser } from './exec-process.ts';

const container: Process = {
  terminal: true,
  consoleSize: { height: 1, width: 2 },
  user: { uid: 1, gid: 2, additionalGids: [3], umask: 0o77 },
  args: ['init'],
  env: ['A=1'],
  cwd: '/srv',
  noNewPrivileges: true,
  capabilities: { bounding: ['CAP_KILL'], permitted: ['CAP_KILL'], ambient: ['CAP_KILL'] },
};
const flags: ProcessFlags = {
  args: ['id'],
  terminal: false,
  env: [],
  cwd: undefined,
  user: undefined,
  additionalGids: [],
  capabilities: [],
  noNewPrivileges: undefined,
  apparmorProfile: undefined,
  selinuxLabel: undefined,
};

test('a process is as that of the container but for the command and the terminal', () => {
  const { consoleSize: _, ...rest } = container;
  assert.deepEqual(execProcess(container, flags), { ...rest, args: ['id'], terminal: false });
});

test('each flag changes what it names', () => {
  const process = execProcess(container, {
    ...flags,
    terminal: true,
    env: ['B=2'],
    cwd: '/tmp',
    user: { uid: 5, gid: 6 },
    additionalGids: [7],
    capabilities: ['CAP_NET_RAW'],
    noNewPrivileges: false,
    apparmorProfile: 'strict',
    selinuxLabel: 'u:r:t',
  });
  assert.deepEqual(process, {
    terminal: true,
    user: { uid: 5, gid: 6, additionalGids: [3, 7], umask: 0o77 },
    args: ['id'],
    env: ['A=1', 'B=2'],
    cwd: '/tmp',
    noNewPrivileges: false,
    apparmorProfile: 'strict',
    selinuxLabel: 'u:r:t',
    capabilities: {
      bounding: ['CAP_KILL', 'CAP_NET_RAW'],
      permitted: ['CAP_KILL', 'CAP_NET_RAW'],
      effective: ['CAP_NET_RAW'],
      ambient: ['CAP_KILL'],
    },
  });
});

test('a user is one number or two', () => {
  assert.deepEqual(parseUser('5'), { uid: 5 });
  assert.deepEqual(parseUser('5:6'), { uid: 5, gid: 6 });
  for (const text of ['', 'root', '5:', ':6', '-1', '5:6:7', '4294967295', '99999999999']) {
    assert.throws(() => parseUser(text), isInvalid, text);
  }
});

test('a user without a group keeps the group of the container', () => {
  assert.deepEqual(execProcess(container, { ...flags, user: parseUser('5') }).user, { ...container.user, uid: 5 });
});

test('no command is refused', () => assert.throws(() => execProcess(container, { ...flags, args: [] }), isInvalid));

function isInvalid(error: unknown): boolean {
  return error instanceof OnggiError && error.code === 'invalid';
}

import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { stepAt, stepError, stepWarning } from './step-error.ts';
import type { Plan } from './steps.ts';

const plan = {
  keeper: { kind: 'shim' },
  prepare: [{ op: 'cgroup-create' }],
  spawn: { kind: 'clone', namespaces: ['mnt'], join: [] },
  attach: [],
  init: [
    { op: 'find-executable', command: 'web' },
    { op: 'exec', argv: ['/bin/web', '-v'] },
  ],
  cleanup: [{ op: 'cgroup-remove' }],
} as unknown as Plan;

const report = (step: number, errno: keyof typeof constants.errno, text = 'do "it"') =>
  ({ phase: 'init', step, errno: constants.errno[errno], text }) as const;

test('an index counts from the keeper over all phases', () => {
  const ops = [0, 1, 2, 3, 4, 5, 6].map((index) => stepAt(plan, index)?.op);
  assert.deepEqual(ops, [undefined, undefined, 'cgroup-create', 'find-executable', 'exec', 'cgroup-remove', undefined]);
});

test('a file of accounts that is too large', () => {
  const identity = { ...plan, init: [{ op: 'identity', user: 'web' }] } as unknown as Plan;
  const { message, hint } = stepError(report(3, 'EFBIG', 'look for user "web"'), identity);
  assert.equal(message, 'start container: look for user "web": file too large');
  assert.match(hint ?? '', /-u UID:GID/);
  assert.equal(stepError(report(2, 'EFBIG'), identity).hint, undefined);
});

test('a command that is not there is 127, one that can’t be executed is 126 with what to do about it', () => {
  for (const [step, errno, code, message, hint] of [
    [3, 'ENOENT', 'command-not-found', 'exec: "web": executable file not found in $PATH', /in the image/],
    [3, 'EACCES', 'not-executable', 'exec: "web": permission denied', /execute permission/],
    [4, 'ENOENT', 'command-not-found', 'exec: "/bin/web": no such file or directory', /It is there; the interpreter/],
    [4, 'ENOTDIR', 'command-not-found', 'exec: "/bin/web": no such file or directory', /in the image/],
    [4, 'ENOEXEC', 'not-executable', 'exec: "/bin/web": exec format error', /#!\/bin\/sh/],
    [4, 'ELOOP', 'not-executable', 'exec: "/bin/web": too many levels of symbolic links', /symbolic links/],
    [4, 'E2BIG', 'not-executable', 'exec: "/bin/web": argument list too long', /too long/],
    [4, 'EIO', 'not-executable', 'exec: "/bin/web": input/output error', /another command/],
    [4, 'EBADMSG', 'not-executable', 'exec: "/bin/web": EBADMSG', /another command/],
  ] as const) {
    const error = stepError(report(step, errno), plan);
    assert.deepEqual([error.code, error.message], [code, message], errno);
    assert.match(error.hint ?? '', hint, errno);
  }
});

test('another step is told in its own words, with the code of its errno', () => {
  for (const [step, errno, code, message] of [
    [2, 'ENOSPC', 'exhausted', 'start container: do "it": no space left on device'],
    [0, 'EPERM', 'denied', 'start container: do "it": operation not permitted'],
    [5, 'EINVAL', 'invalid', 'start container: do "it": invalid argument'],
    [99, 'ENOENT', 'not-found', 'start container: do "it": no such file or directory'],
  ] as const) {
    const error = stepError(report(step, errno), plan);
    assert.deepEqual([error.code, error.message], [code, message], errno);
  }
  const joining = { ...plan, spawn: { kind: 'join' } } as unknown as Plan;
  assert.match(stepError(report(2, 'EPERM'), joining).message, /^exec: do "it"/);
});

test('what a start needs of the machine and does not find has a code of its own', () => {
  const init = ['sysctl', 'bind', 'mount', 'symlink'].map((op) => ({ op }));
  const needing = { ...plan, init } as unknown as Plan;
  const codes = [3, 4, 5, 6].map((step) => stepError(report(step, 'ENOENT'), needing).code);
  assert.deepEqual(codes, ['missing-on-host', 'missing-on-host', 'missing-on-host', 'not-found']);
  assert.equal(stepError(report(3, 'EINVAL'), needing).code, 'invalid');
  const joining = { ...needing, spawn: { kind: 'join' } } as unknown as Plan;
  assert.equal(stepError(report(3, 'ENOENT'), joining).code, 'not-found');
});

test('where the machine forbids user namespaces the hint says by what', () => {
  const withUser = { ...plan, spawn: { kind: 'clone', namespaces: ['mnt', 'user'], join: [] } } as unknown as Plan;
  assert.match(stepError(report(1, 'ENOSPC'), withUser).hint ?? '', /user\.max_user_namespaces/);
  assert.match(stepError(report(1, 'EPERM'), withUser).hint ?? '', /kernel\.unprivileged_userns_clone/);
  const withRoot = { ...withUser, init: [{ op: 'propagation' }] } as unknown as Plan;
  assert.match(stepError(report(3, 'EACCES'), withRoot).hint ?? '', /kernel\.apparmor_restrict_unprivileged_userns/);
  assert.equal(stepError(report(1, 'EPERM'), plan).hint, undefined);
  assert.equal(stepError(report(1, 'EAGAIN'), withUser).hint, undefined);
});

test('a file system of a namespace that is not the container’s is told with whose it is', () => {
  const init = ['proc', 'mqueue', 'sysfs', 'tmpfs'].map((fstype) => ({ op: 'mount', fstype }));
  const hints = (...namespaces: string[]) => {
    const within = { ...plan, init, spawn: { kind: 'clone', namespaces, join: [] } } as unknown as Plan;
    return init.map((_, index) => stepError(report(3 + index, 'EPERM', 'mount'), within).hint ?? '');
  };
  const [proc, queues, sys, memory] = hints('mnt', 'user');
  assert.match(proc ?? '', /"proc" if it has its own namespace of type "pid"/);
  assert.match(queues ?? '', /"mqueue" if it has its own namespace of type "ipc"/);
  assert.match(sys ?? '', /parts of the one there are masked/);
  assert.equal(memory, '');
  assert.match(hints('mnt', 'user', 'pid', 'ipc')[0] ?? '', /parts of the one there are masked/);
  assert.equal(hints('mnt', 'user', 'pid', 'ipc')[1], '');
});

test('what was gone without', () => {
  assert.equal(stepWarning(report(2, 'EBUSY', 'set "x"')), 'set "x": device or resource busy');
  assert.equal(stepWarning(report(2, 'EMFILE', 'open "x"')), 'open "x": too many open files');
  assert.equal(stepWarning(report(2, 'EROFS', 'make "x"')), 'make "x": read-only file system');
});

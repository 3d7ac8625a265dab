import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Spec } from '../oci/runtime-spec.ts';
import { excessPrivileges } from './privileges.ts';

const status = (changes: Record<string, string> = {}): string => {
  const fields = {
    Name: 'sh',
    CapInh: '0000000000000000',
    CapPrm: '0000000000000020',
    CapEff: '0000000000000020',
    CapBnd: '0000000000000020',
    CapAmb: '0000000000000000',
    NoNewPrivs: '1',
    Seccomp: '2',
    Seccomp_filters: '1',
    ...changes,
  };
  return Object.entries(fields)
    .map(([name, value]) => `${name}:\t${value}\n`)
    .join('');
};

const spec: Spec = {
  ociVersion: '1.2.0',
  process: {
    user: { uid: 0, gid: 0 },
    cwd: '/',
    noNewPrivileges: true,
    capabilities: { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'] },
  },
  linux: { seccomp: { defaultAction: 'SCMP_ACT_ALLOW' } },
};

test('a process that is held as its config says has nothing in excess', () => {
  assert.deepEqual(excessPrivileges(status(), spec), []);
  assert.deepEqual(excessPrivileges(status({ CapEff: '0000000000000000' }), spec), []);
});

test('each way to have more is told', () => {
  assert.deepEqual(excessPrivileges(status({ NoNewPrivs: '0' }), spec), ['it can gain privileges by exec']);
  assert.deepEqual(excessPrivileges(status({ Seccomp: '0' }), spec), ['it has no seccomp filter']);
  for (const set of ['CapBnd', 'CapPrm', 'CapEff', 'CapInh', 'CapAmb']) {
    const found = excessPrivileges(status({ [set]: '0000000000200020' }), spec);
    assert.deepEqual(found, [`${set} is 0000000000200020, beyond its bounding set`]);
  }
});

test('what can not be read counts as having all', () => {
  assert.equal(excessPrivileges('', spec).length, 7);
});

test('a config that asks for neither is not held to it', () => {
  const bare: Spec = { ociVersion: '1.2.0', process: { user: { uid: 0, gid: 0 }, cwd: '/' } };
  const none = { CapPrm: '0', CapEff: '0', CapBnd: '0' };
  assert.deepEqual(excessPrivileges(status({ NoNewPrivs: '0', Seccomp: '0', ...none }), bare), []);
});

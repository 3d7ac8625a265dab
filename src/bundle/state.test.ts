import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../errors.ts';
import { decodeState, encodeState, hookState, ociState, type StateRecord } from './state.ts';

const record: StateRecord = {
  id: 'web',
  ociVersion: '1.0.2',
  bundle: '/b',
  rootfs: '/b/rootfs',
  annotations: { 'org.example': 'yes' },
  created: '2026-11-21T12:00:00.000Z',
  owner: 0,
  cgroup: {
    unified: '/sys/fs/cgroup/unified/web',
    legacy: [{ controllers: ['cpu', 'cpuacct'], directory: '/sys/fs/cgroup/cpu,cpuacct/web' }],
  },
  scope: { slice: 'system.slice', unit: 'onggi-web.scope', user: false },
  sharedPids: false,
  keyring: '_ses.c1.00ff',
  poststart: false,
  poststop: true,
  mark: '1:2 /run/c',
  notify: false,
  maker: { pid: 41, startTime: 1n },
  init: { pid: 42, startTime: 2n ** 63n },
};

test('what is written is read again', () => {
  for (const each of [
    record,
    { ...record, init: null, maker: null },
    { ...record, scope: null },
    { ...record, cgroup: { unified: null, legacy: [] } },
  ]) {
    assert.deepEqual(decodeState(encodeState(each), 'x'), each);
  }
});

const broken: readonly (readonly [string, (fields: Record<string, unknown>) => void])[] = [
  ['another format', (fields) => Object.assign(fields, { format: 2 })],
  ['no id', (fields) => void delete fields['id']],
  ['a pid that is no number', (fields) => Object.assign(fields, { init: { pid: 'x', startTime: '1' } })],
  ['a start time that is no number', (fields) => Object.assign(fields, { init: { pid: 1, startTime: '1x' } })],
  ['a scope of the wrong shape', (fields) => Object.assign(fields, { scope: { unit: 'x.service' } })],
  ['a relative cgroup', (fields) => Object.assign(fields, { cgroup: { unified: 'a', legacy: [] } })],
  ['a cgroup of the wrong shape', (fields) => Object.assign(fields, { cgroup: { unified: null, legacy: [{}] } })],
  ['an annotation that is no text', (fields) => Object.assign(fields, { annotations: { a: 1 } })],
  ['a flag that is none', (fields) => Object.assign(fields, { poststop: 'yes' })],
];

for (const [what, damage] of broken) {
  test(`${what} is corrupt`, () => {
    const fields = JSON.parse(encodeState(record)) as Record<string, unknown>;
    damage(fields);
    assert.throws(() => decodeState(JSON.stringify(fields), 'x'), isCorrupt);
  });
}

for (const text of ['', '{', '[]', 'null', '1']) {
  test(`${JSON.stringify(text)} is corrupt`, () => assert.throws(() => decodeState(text, 'x'), isCorrupt));
}

function isCorrupt(error: unknown): boolean {
  return error instanceof OnggiError && error.code === 'corrupt';
}

test('callers are told a pid as long as there is a process', () => {
  assert.equal(ociState(record, 'running', '').pid, 42);
  assert.equal(ociState(record, 'stopped', '').pid, 0);
  assert.equal(ociState({ ...record, init: null }, 'creating', '').pid, 0);
  assert.deepEqual(ociState(record, 'paused', 'root'), {
    ociVersion: '1.0.2',
    id: 'web',
    pid: 42,
    status: 'paused',
    bundle: '/b',
    rootfs: '/b/rootfs',
    created: '2026-11-21T12:00:00.000Z',
    annotations: { 'org.example': 'yes' },
    owner: 'root',
  });
});

test('hooks are told the state of the specification', () => {
  assert.deepEqual(JSON.parse(hookState(record, 'running', 7)), {
    ociVersion: '1.2.0',
    id: 'web',
    status: 'running',
    pid: 7,
    bundle: '/b',
    annotations: { 'org.example': 'yes' },
  });
});

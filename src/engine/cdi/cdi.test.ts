import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { Spec } from '../../oci/runtime-spec.ts';
import { applyCdi } from './apply.ts';
import { parseCdiSpec } from './cdi-spec.ts';
import { cdiEdits } from './registry.ts';

let directory = '';
let directories: string[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'onggi-cdi-'));
  directories = ['etc', 'run'].map((name) => join(directory, name));
  for (const path of directories) mkdirSync(path);
});
afterEach(() => rmSync(directory, { recursive: true }));

const spec = (change: object = {}) => ({
  cdiVersion: '1.0.0',
  kind: 'vendor.com/net',
  annotations: { what: 'cards' },
  containerEdits: { env: ['ALL=1'] },
  devices: [
    { name: 'a', annotations: {}, containerEdits: { env: ['CARD=a'] } },
    { name: 'b', containerEdits: { env: ['CARD=b'], additionalGids: [5, 0] } },
  ],
  ...change,
});
const write = (at: number, name: string, value: unknown) =>
  writeFileSync(join(directories[at] ?? '', name), typeof value === 'string' ? value : JSON.stringify(value));
const env = (...names: string[]) => cdiEdits(names, directories).flatMap((edits) => edits.env);

test('devices by name, all of a kind, the edits of a specification once', () => {
  write(0, 'net.json', spec());
  assert.deepEqual(env('vendor.com/net=b', 'vendor.com/net=a'), ['ALL=1', 'CARD=b', 'CARD=a']);
  assert.deepEqual(env('vendor.com/net=all'), ['ALL=1', 'CARD=a', 'CARD=b']);
  assert.deepEqual(cdiEdits([], ['/nosuch']), []);
  assert.throws(() => env('vendor.com/net=c'), {
    code: 'not-found',
    message: 'unresolvable CDI devices vendor.com/net=c',
  });
  assert.throws(() => cdiEdits(['x/y=z'], ['/nosuch']), { code: 'not-found' });
});

test('the second directory counts more; two of one directory contradict each other', () => {
  write(0, 'net.json', spec());
  write(
    1,
    'net.yaml',
    'cdiVersion: "0.5.0"\nkind: vendor.com/net\ndevices:\n- name: a\n  containerEdits:\n    env:\n    - CARD=run\n',
  );
  assert.deepEqual(env('vendor.com/net=a'), ['CARD=run']);
  write(1, 'other.json', spec());
  assert.throws(() => env('vendor.com/net=a'), {
    code: 'conflict',
    message: /net\.yaml" and ".*other\.json" describe it/,
  });
});

test('what is wrong is told with the file and the field', () => {
  const edits = (containerEdits: unknown) => spec({ containerEdits });
  for (const [value, message] of [
    ['nothing', /x\.json": /],
    [[], /the file is \[\], not an object/],
    [spec({ cdiVersion: '9.0.0' }), /cdiVersion is "9\.0\.0", not one of/],
    [spec({ kind: 'net' }), /kind is "net", not VENDOR\/CLASS/],
    [spec({ devices: [] }), /devices is \[\], not a list of devices/],
    [spec({ devices: [{ name: 'a' }] }), /devices\[0\]\.containerEdits is nothing/],
    [spec({ devices: [{ name: '-', containerEdits: {} }] }), /devices\[0\]\.name is "-"/],
    [spec({ more: 1 }), /more is 1, not a field that onggi knows/],
    [edits({ env: ['X'] }), /containerEdits\.env\[0\] is "X", not NAME=VALUE/],
    [edits({ env: 'X=1' }), /containerEdits\.env is "X=1", not a list/],
    [edits({ deviceNodes: [{ path: 'dev' }] }), /deviceNodes\[0\]\.path is "dev", not an absolute path/],
    [edits({ deviceNodes: [{ path: '/dev/x', type: 'z' }] }), /deviceNodes\[0\]\.type/],
    [edits({ deviceNodes: [{ path: '/dev/x', permissions: 'x' }] }), /deviceNodes\[0\]\.permissions/],
    [edits({ deviceNodes: [{ path: '/dev/x', major: -1 }] }), /deviceNodes\[0\]\.major is -1/],
    [edits({ mounts: [{ hostPath: '/x' }] }), /mounts\[0\]\.containerPath is nothing, not a text/],
    [edits({ hooks: [{ hookName: 'poststart', path: '/x' }] }), /hooks\[0\]\.hookName is "poststart", not one of/],
    [edits({ additionalGids: [1.5] }), /additionalGids\[0\] is 1\.5/],
    [edits({ intelRdt: { closID: 5 } }), /intelRdt\.closID is 5, not a text/],
    [edits({ netDevices: [] }), /netDevices/],
  ] as const) {
    write(0, 'x.json', value);
    assert.throws(
      () => cdiEdits(['vendor.com/net=a'], directories),
      { code: 'invalid', message },
      JSON.stringify(value),
    );
  }
});

test('edits of every kind reach the configuration', () => {
  const parsed = parseCdiSpec('x', {
    cdiVersion: '1.0.0',
    kind: 'v/c',
    devices: [
      {
        name: 'd',
        containerEdits: {
          env: ['A=2', 'B=3'],
          deviceNodes: [
            { path: '/dev/own', hostPath: '/dev/host', permissions: 'r', gid: 7 },
            { path: '/dev/made', type: 'c', major: 5, minor: 6, fileMode: 438 },
          ],
          mounts: [{ hostPath: '/lib/x', containerPath: '/lib/y', options: ['ro', 'nosuid'] }],
          hooks: [{ hookName: 'createContainer', path: '/bin/hook', args: ['hook', 'x'], timeout: 3 }],
          additionalGids: [9],
          intelRdt: { closID: 'gold' },
        },
      },
    ],
  });
  const before = {
    ociVersion: '1.2.0',
    process: { args: ['x'], cwd: '/', env: ['A=1', 'C=1'], user: { uid: 1, gid: 2, additionalGids: [3] } },
    mounts: [{ destination: '/lib/y', type: 'tmpfs' }],
    hooks: { createContainer: [{ path: '/first' }] },
    linux: { resources: { devices: [{ allow: false, access: 'rwm' }] } },
  } as Spec;
  const host = { path: '/dev/host', type: 'b', major: 1, minor: 2, fileMode: 0o600, uid: 0, gid: 0 } as const;
  const all = [...parsed.devices.values()];
  const after = applyCdi(before, all, (path) => (path === '/dev/host' ? [host] : []));
  assert.deepEqual(after.process?.env, ['C=1', 'A=2', 'B=3']);
  assert.deepEqual(after.process?.user?.additionalGids, [3, 9]);
  assert.deepEqual(after.mounts, [
    { source: '/lib/x', destination: '/lib/y', type: 'bind', options: ['rbind', 'ro', 'nosuid'] },
  ]);
  assert.deepEqual(after.hooks, {
    createContainer: [{ path: '/first' }, { path: '/bin/hook', args: ['hook', 'x'], timeout: 3 }],
  });
  assert.deepEqual(after.linux?.devices, [
    { ...host, path: '/dev/own', gid: 7 },
    { path: '/dev/made', type: 'c', major: 5, minor: 6, fileMode: 0o666 },
  ]);
  assert.deepEqual(after.linux?.resources?.devices, [
    { allow: false, access: 'rwm' },
    { allow: true, type: 'b', major: 1, minor: 2, access: 'r' },
    { allow: true, type: 'c', major: 5, minor: 6, access: 'rwm' },
  ]);
  assert.deepEqual(after.linux?.intelRdt, { closID: 'gold' });
  assert.throws(() => applyCdi(before, all, () => []), {
    code: 'not-found',
    message: /there is no device at "\/dev\/host"/,
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Spec } from '../oci/runtime-spec.ts';
import type { InitStep, Plan } from '../runtime/plan/steps.ts';
import { fieldOfStep } from './step-field.ts';

const spec: Spec = {
  ociVersion: '1.2.0',
  process: { cwd: '/', user: { uid: 0, gid: 0 }, rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1, hard: 1 }] },
  mounts: [{ destination: 'x' }, { destination: '/a' }, { destination: '/a' }],
  linux: {
    namespaces: [{ type: 'mount' }, { type: 'network', path: '/n' }],
    sysctl: { 'net.a/b.c': '1' },
    devices: [{ path: '/dev/x', type: 'c' }],
    maskedPaths: ['/m', '/n'],
    readonlyPaths: ['/r'],
    mountLabel: 'l',
  },
};

/** The field of this step, which failed with these words. */
function fieldOf(step: InitStep, text: string, errno = 2): string | undefined {
  const plan: Plan = {
    keeper: {
      kind: 'launcher',
      id: 'i',
      terminal: false,
      consoleSocket: false,
      preserve: 0,
      stay: true,
      startFifo: null,
    },
    prepare: [],
    spawn: { kind: 'clone', namespaces: [], join: [], cgroups: { unified: null, legacy: [] }, timeOffsets: [] },
    attach: [],
    init: [{ op: 'unshare-cgroup' }, step],
    cleanup: [],
  };
  return fieldOfStep({ phase: 'init', step: 3, errno, text }, plan, spec);
}

const flags = { bits: 0, words: [] };
const bind = (target: string): InitStep => ({
  op: 'bind',
  source: '/s',
  target,
  recursive: false,
  attributes: { set: 0, clear: 0, words: [] },
  propagation: flags,
  createSource: false,
});
const mount = (target: string): InitStep => ({
  op: 'mount',
  fstype: 'tmpfs',
  source: 't',
  target,
  flags,
  data: '',
  optional: false,
});

test('a step that failed names what it was made for', () => {
  assert.equal(fieldOf(mount('/x'), 'mount "tmpfs" on "/x"'), 'mounts[0].destination');
  assert.equal(fieldOf(mount('/a'), 'mount "tmpfs": the kernel knows it not', 19), 'mounts[2].type');
  assert.equal(fieldOf(mount('/a'), 'mount "tmpfs" with option "size=x"'), 'mounts[2].options');
  assert.equal(fieldOf(mount('/a'), 'mount "tmpfs" with option "context="l""'), 'linux.mountLabel');
  assert.equal(fieldOf(mount('/a'), 'mount "ext4" with options "a,b=c"'), 'mounts[2].options');
  assert.equal(fieldOf(mount('/a'), 'mount "tmpfs" with options "mode=755,context="l""'), 'linux.mountLabel');
  assert.equal(fieldOf(mount('/a'), 'mount "ext4" of "/dev/x"'), 'mounts[2].source');
  assert.equal(fieldOf(mount('/a'), 'mount "proc"'), 'mounts[2].type');
  assert.equal(fieldOf(bind('/a'), 'bind "/s": open it'), 'mounts[2].source');
  assert.equal(fieldOf(bind('/a'), 'bind "/s" on "/a"'), 'mounts[2].destination');
  assert.equal(fieldOf({ op: 'mask', path: '/n' }, ''), 'linux.maskedPaths[1]');
  assert.equal(fieldOf({ op: 'readonly', path: '/r' }, ''), 'linux.readonlyPaths[0]');
  assert.equal(fieldOf({ op: 'sysctl', name: 'net/a.b/c', value: '1' }, ''), 'linux.sysctl["net.a/b.c"]');
  const device = { op: 'mknod', path: '/dev/x', type: 'c', major: 1, minor: 3, mode: 0, uid: 0, gid: 0 } as const;
  assert.equal(fieldOf(device, ''), 'linux.devices[0]');
  const limit = { op: 'rlimit', resource: 7, name: 'nofile', soft: 1n, hard: 1n } as const;
  assert.equal(fieldOf(limit, ''), 'process.rlimits[0]');
  assert.equal(fieldOf({ op: 'working-directory', path: '/', create: true }, ''), 'process.cwd');
});

test('what nobody asked for and the command name no field', () => {
  assert.equal(fieldOf(mount('/other'), 'mount "tmpfs" on "/other"'), undefined);
  assert.equal(fieldOf({ op: 'find-executable', command: 'x' }, ''), undefined);
  assert.equal(fieldOf({ op: 'pivot-root' }, ''), undefined);
});

test('the spawn names the namespace that could not be joined', () => {
  const plan = { prepare: [], attach: [], init: [], cleanup: [] } as unknown as Plan;
  const spawned = (text: string) => fieldOfStep({ phase: 'keeper', step: 1, errno: 2, text }, plan, spec);
  assert.equal(spawned('join the namespace "/n"'), 'linux.namespaces[1].path');
  assert.equal(spawned('set the offset of clock 7'), 'linux.timeOffsets');
  assert.equal(spawned('clone the init'), undefined);
});

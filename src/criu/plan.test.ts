import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../errors.ts';
import type { Spec } from '../oci/runtime-spec.ts';
import { encodePlan } from '../runtime/plan/encode.ts';
import type { Plan } from '../runtime/plan/steps.ts';
import type { RestoreOptions } from './command.ts';
import { restorePlan } from './plan.ts';

const own: Plan = {
  keeper: {
    ...{ kind: 'shim', id: 'ab', socket: '/run/s', log: null, exitFile: '/e', reconcile: [], oom: null },
    ...{ terminal: false, stdin: false, stdinOnce: false, startRequired: true },
  },
  prepare: [{ op: 'cgroup-create', path: '/c' }],
  spawn: {
    kind: 'clone',
    namespaces: ['mnt', 'pid', 'net', 'ipc'],
    join: [{ type: 'uts', path: '/proc/7/ns/uts' }],
    cgroups: { unified: '/c', legacy: [] },
    timeOffsets: [],
  },
  attach: [{ op: 'netlink', protocol: 'route', messages: [], what: 'veth' }],
  init: [
    { op: 'unshare-cgroup' },
    { op: 'enter-root', path: '/root' },
    { op: 'pivot-root' },
    { op: 'netlink', protocol: 'route', messages: [], what: 'lo' },
    { op: 'wait-start' },
    { op: 'exec', argv: ['true'], env: ['A=b'], reaper: false },
  ],
  cleanup: [{ op: 'cgroup-remove', path: '/c' }],
};
const spec: Spec = { ociVersion: '1.2.0', linux: { namespaces: [{ type: 'network' }, { type: 'pid' }] } };
const from = { descriptors: ['/dev/null', 'pipe:[5]', 'pipe:[6]'], pidFile: '/w/pid', path: '/bin' };
const options: RestoreOptions = {
  ...{ images: '/i', work: '/w', tcpEstablished: true, externalUnixSockets: true, shellJob: false, fileLocks: true },
  ...{ cgroups: 'soft' as const, emptyNetwork: false, autoDedup: false, lazyPages: false },
  ...{ lsmProfile: null, lsmMountContext: null },
};

test('the first process mounts the root, sets up the network and becomes criu; cgroups are those of the container', () => {
  const plan = restorePlan(own, spec, from, options);
  const { prepare, spawn, attach, init, cleanup, runtime } = plan;
  assert.deepEqual([prepare, attach, cleanup], [own.prepare, own.attach, own.cleanup]);
  assert.deepEqual(runtime, { program: null, pidFile: '/w/pid', group: '/c' });
  assert.ok(spawn.kind === 'clone');
  assert.deepEqual([spawn.namespaces, spawn.join, spawn.cgroups.unified], [['mnt', 'net'], [], null]);
  assert.deepEqual(
    init.map(({ op }) => op),
    ['enter-root', 'netlink', 'find-executable', 'network-descriptor', 'exec'],
  );
  const exec = init.at(-1);
  assert.ok(exec?.op === 'exec');
  const words = exec.argv.join(' ');
  assert.match(
    words,
    /^criu restore .* --root \/root .*--inherit-fd fd\[2\]:pipe:\[6\] --inherit-fd fd\[100\]:extRootNetNS$/,
  );
  assert.ok(encodePlan(plan).length > 0);
});

test('with the network of the machine there is none to leave open', () => {
  const { init } = restorePlan(own, { ociVersion: '1.2.0' }, from, options);
  assert.ok(!init.some(({ op }) => op === 'network-descriptor'));
  const launcher: Plan['keeper'] = {
    ...{ kind: 'launcher', id: 'ab', terminal: false, consoleSocket: false, preserve: 0, stay: true, startFifo: null },
  };
  assert.throws(() => restorePlan({ ...own, keeper: launcher }, spec, from, options), OnggiError);
});

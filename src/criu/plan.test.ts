import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../errors.ts';
import type { Spec } from '../oci/runtime-spec.ts';
import { encodePlan } from '../runtime/plan/encode.ts';
import type { Plan } from '../runtime/plan/steps.ts';
import type { RestoreOptions } from './options.ts';
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
    { op: 'root-bind', source: '/tree', target: '/root', byKeeper: 'plain' },
    { op: 'enter-root', path: '/root' },
    {
      ...{ op: 'bind', source: '/volume', target: '/data/', recursive: true, copyUp: true, createSource: false },
      ...{ mapping: { maps: null, recursive: false }, attributes: { set: 0, clear: 0, words: [] } },
      propagation: { bits: 0, words: [] },
    },
    { op: 'pivot-root' },
    { op: 'netlink', protocol: 'route', messages: [], what: 'lo' },
    { op: 'sysctl', name: 'net/ipv4/ping_group_range', value: '0 1' },
    { op: 'sysctl', name: 'kernel/msgmax', value: '4000' },
    { op: 'wait-start' },
    { op: 'exec', argv: ['true'], env: ['A=b'], reaper: false },
  ],
  cleanup: [{ op: 'cgroup-remove', path: '/c' }],
};
const spec: Spec = {
  ociVersion: '1.2.0',
  mounts: [{ destination: '/data', type: 'bind', source: '/volume' }],
  linux: { namespaces: [{ type: 'network' }, { type: 'pid' }] },
};
const from = {
  descriptors: ['/dev/null', 'pipe:[5]', 'pipe:[6]'],
  cgroupRoots: [],
  parents: [{ name: 'before', path: '/before' }],
  stage: '/w/mounts',
  program: 'criu',
  path: '/bin',
};
const options: RestoreOptions = {
  ...{ images: '/i', work: '/w', tcpEstablished: true, externalUnixSockets: true, shellJob: false, fileLocks: true },
  ...{ cgroups: 'soft' as const, emptyNetwork: true, autoDedup: false, lazyPages: false },
  ...{ lsmProfile: null, lsmMountContext: null },
};

function asked({ runtime }: Plan): string {
  assert.ok(runtime?.program === null);
  return Buffer.from(runtime.request).toString('latin1');
}

test('the first process mounts what is not in the images and becomes criu; cgroups are those of the container', () => {
  const plan = restorePlan(own, spec, from, options);
  const { prepare, spawn, attach, init, cleanup, runtime } = plan;
  assert.deepEqual([prepare, cleanup, runtime?.group], [own.prepare, own.cleanup, '/c']);
  // In the namespace that criu has made.
  assert.deepEqual(
    attach.map((step) => [step.op, 'what' in step ? step.what : 'name' in step && step.name]),
    [
      ['netlink', 'veth'],
      ['inner-netlink', 'lo'],
      // criu keeps those of the other namespaces.
      ['inner-sysctl', 'net/ipv4/ping_group_range'],
    ],
  );
  assert.ok(spawn.kind === 'clone');
  assert.deepEqual([spawn.namespaces, spawn.join, spawn.cgroups.unified], [['mnt'], [], null]);
  assert.deepEqual(
    init.map(({ op }) => op),
    [...['root-bind', 'enter-root', 'mount', 'bind', 'bind', 'find-executable', 'criu-descriptors', 'exec']],
  );
  const binds = init.flatMap((step) => (step.op === 'bind' ? [[step.source, step.target, step.mapping ?? null]] : []));
  const mapped = { maps: null, recursive: false };
  assert.deepEqual(binds, [
    ['/root', '/w/mounts/root', null],
    ['/volume', '/w/mounts/0', mapped],
  ]);
  for (const words of ['/w/mounts/root', 'mnt[/data]:/w/mounts/0', 'pipe:[6]'])
    assert.ok(asked(plan).includes(words), words);
  assert.ok(!asked(plan).includes('extRootNetNS'));
  assert.ok(encodePlan(plan).length > 0);
});

test('in a user namespace criu makes it, and reads the images as its root', () => {
  const map = { containerId: 0, hostId: 100_000, size: 1000 };
  const maps = { op: 'id-map', uid: [map], gid: [map], setgroups: true } as const;
  const plan = restorePlan({ ...own, attach: [maps, ...own.attach] }, spec, from, options);
  assert.deepEqual(plan.attach[0], maps);
  const binds = plan.init.flatMap((step) => (step.op === 'bind' ? [step] : [])).slice(2);
  assert.deepEqual(
    binds.map(({ source, target, mapping }) => [source, target, mapping?.maps]),
    [
      ['/i', '/w/mounts/images', null],
      ['/before', '/w/mounts/before', null],
      ['/w', '/w/mounts/work', undefined],
      ['/w/mounts', '/tmp', undefined],
    ],
  );
  for (const words of ['/tmp/root', 'mnt[/data]:/tmp/0']) assert.ok(asked(plan).includes(words), words);
});

test('a network namespace of a path is left open; that of the images is made by criu', () => {
  const joined = { ...own.spawn, join: [{ type: 'net' as const, path: '/run/netns/a' }] } as Plan['spawn'];
  const plan = restorePlan({ ...own, spawn: joined }, spec, from, { ...options, emptyNetwork: false });
  assert.ok(plan.spawn.kind === 'clone' && plan.spawn.join.length === 1);
  assert.deepEqual([plan.attach, plan.init.at(-3)], [[], { op: 'network-descriptor', number: 110 }]);
  assert.ok(asked(plan).includes('extRootNetNS'));
  assert.throws(() => restorePlan({ ...own, init: [] }, spec, from, options), OnggiError);
});

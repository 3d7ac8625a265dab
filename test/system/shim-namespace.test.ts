import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import type { AttachStep, InitStep, Spawn } from '../../src/runtime/plan/steps.ts';
import { requires } from '../harness/requires.ts';
import { follow, identity, inPlace, runOnce } from './shim-container.ts';

const needs = requires('root');

/** rtnetlink(7) by hand: what the shim does with messages is tested apart from who builds them. */
function attribute(type: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc((payload.length + 7) & ~3);
  bytes.writeUInt16LE(4 + payload.length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(payload, 4);
  return bytes;
}

function message(type: number, flags: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(16 + payload.length);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(flags, 6);
  bytes.set(payload, 16);
  return bytes;
}

function link(index: number, up: boolean): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeInt32LE(index, 4);
  bytes.writeUInt32LE(up ? 1 : 0, 8);
  bytes.writeUInt32LE(up ? 1 : 0, 12);
  return bytes;
}

const newLink = 16;
const create = 0x601; // NLM_F_REQUEST, NLM_F_CREATE, NLM_F_EXCL
const name = (text: string): Buffer => attribute(3, Buffer.from(`${text}\0`));

/** A veth pair whose other end is born in the container. */
function vethStep(outside: string, inside: string): { step: AttachStep; pidAt: number } {
  const mark = Buffer.from('PIDX');
  const peer = attribute(1, Buffer.concat([link(0, false), name(inside), attribute(19, mark)]));
  const info = attribute(18, Buffer.concat([attribute(1, Buffer.from('veth')), attribute(2, peer)]));
  const bytes = message(newLink, create, Buffer.concat([link(0, false), name(outside), info]));
  const pidAt = bytes.indexOf(mark);
  const what = `veth ${outside}`;
  return {
    pidAt,
    step: { op: 'netlink', protocol: 'route', messages: [{ bytes, pidAt: [pidAt], what }], what: 'network' },
  };
}

const loopbackUp: InitStep = {
  op: 'netlink',
  protocol: 'route',
  messages: [{ bytes: message(newLink, 1, link(1, true)), pidAt: [], what: 'lo up' }],
  what: 'loopback',
};

test('links are made from outside and configured from inside', requires('root', 'veth'), async () => {
  const outside = `og${process.pid}`;
  await inPlace(async (place) => {
    place.launch(
      place.plan({
        argv: ['sh', '-c', 'cat /sys/class/net/lo/operstate /sys/class/net/jar0/iflink; onggi-probe sleep'],
        attach: [vethStep(outside, 'jar0').step],
        mounts: [
          {
            op: 'mount',
            fstype: 'sysfs',
            source: 'sysfs',
            target: '/sys',
            flags: { bits: 1, words: ['ro'] },
            data: '',
            optional: false,
          },
        ],
        steps: [loopbackUp],
      }),
    );
    const client = await place.connect();
    const told = await follow(client, (event) => {
      if (event.type !== 'output' || !Buffer.from(event.bytes).toString().includes('sleeping')) return;
      assert.ok(readdirSync('/sys/class/net').includes(outside));
      client.killAll();
    });
    assert.match(told.stdout, /^unknown\n\d+\n/);
  });
});

test('what the kernel refuses of a message is told in its words', needs, async () => {
  const bytes = message(newLink, create, Buffer.concat([link(0, false), name('x'.repeat(30))]));
  const step: AttachStep = {
    op: 'netlink',
    protocol: 'route',
    messages: [{ bytes, pidAt: [], what: 'a long name' }],
    what: 'network',
  };
  const told = await runOnce({ argv: ['true'], attach: [step] });
  assert.equal(told.fail().phase, 'attach');
  assert.match(told.fail().text, /^network: a long name: ./);
  const inside = await runOnce({ argv: ['true'], steps: [step as InitStep] });
  assert.equal(inside.fail().phase, 'init');
  assert.match(inside.fail().text, /^network: a long name: ./);
});

test('root of a user namespace is somebody else outside', requires('root', 'user-namespace'), async () => {
  await inPlace(async (place) => {
    const ids = [{ containerId: 0, hostId: 200_000, size: 65_536 }];
    // Its root walks as that somebody.
    chmodSync(place.path, 0o711);
    mkdirSync(join(place.root, 'data'));
    chownSync(join(place.root, 'data'), 200_000, 200_000);
    chownSync(place.root, 200_000, 200_000);
    const spawn: Spawn = {
      kind: 'clone',
      namespaces: ['user', 'mnt', 'pid', 'net', 'uts', 'ipc'],
      join: [],
      cgroups: { unified: null, legacy: [] },
      timeOffsets: [],
    };
    const plan = place.plan({
      argv: [
        'sh',
        '-c',
        'id -u; id -G; cat /proc/self/uid_map; touch /data/mine; touch /bin/no; cat /proc/self/oom_score_adj',
      ],
      attach: [{ op: 'id-map', uid: ids, gid: ids, setgroups: true }],
      steps: [{ op: 'oom-score-adj', value: 300, optional: false }],
    });
    // mknod is not for a user namespace: the host's devices are bound.
    place.launch({ ...plan, spawn });
    const told = await follow(await place.connect());
    assert.equal(told.exit.exitCode, 0, inspect(told.events));
    assert.match(told.stdout, /^0\n0\n\s+0\s+200000\s+65536\n300\n$/);
    assert.match(told.stderr, /\/bin\/no: Permission denied/);
    assert.equal(statSync(join(place.root, 'data/mine')).uid, 200_000);
    // And another user inside.
    const other = place.plan({ argv: ['id', '-u'], attach: plan.attach, identity: identity('app', 0n) });
    place.launch({ ...other, spawn });
    assert.equal((await follow(await place.connect())).stdout, '1000\n');
    // An id outside of the map is refused.
    const unmapped = place.plan({ argv: ['id', '-u'], attach: plan.attach, identity: identity('70000', 0n) });
    place.launch({ ...unmapped, spawn });
    assert.equal((await follow(await place.connect())).fail().errno, 22);
  });
});

/** struct sock_filter: code, jt, jf, k. */
function filter(...instructions: readonly [number, number, number, number][]): Uint8Array {
  const bytes = Buffer.alloc(8 * instructions.length);
  for (const [index, [code, jt, jf, k]] of instructions.entries()) {
    bytes.writeUInt16LE(code, 8 * index);
    bytes.writeUInt8(jt, 8 * index + 2);
    bytes.writeUInt8(jf, 8 * index + 3);
    bytes.writeUInt32LE(k, 8 * index + 4);
  }
  return bytes;
}

test('a seccomp filter is in force, with and without no_new_privs', needs, async () => {
  const mkdir = process.arch === 'x64' ? [83, 258] : [34, 34];
  const program = filter(
    [0x20, 0, 0, 0],
    [0x15, 1, 0, mkdir[0] ?? 0],
    [0x15, 0, 1, mkdir[1] ?? 0],
    [0x06, 0, 0, 0x0005_0000 | 99],
    [0x06, 0, 0, 0x7fff_0000],
  );
  const seccomp = { op: 'seccomp', flags: 0, program, what: 'no mkdir', listener: null } as const;
  const argv = ['sh', '-c', 'mkdir /x; grep -E "NoNewPrivs|Seccomp:" /proc/self/status'];
  const plain = await runOnce({ argv, steps: [seccomp] });
  assert.match(plain.stdout, /NoNewPrivs:\s0\nSeccomp:\s2/);
  assert.match(plain.stderr, /mkdir: .*(Cannot assign requested address|Address not available)/);
  const both = await runOnce({ argv, steps: [{ op: 'no-new-privileges' }, seccomp] });
  assert.match(both.stdout, /NoNewPrivs:\s1\nSeccomp:\s2/);
  const bad = await runOnce({ argv, steps: [{ ...seccomp, program: filter([0xff, 0, 0, 0]) }] });
  assert.equal(bad.fail().errno, 22);
  assert.match(bad.fail().text, /load the seccomp filter: no mkdir/);
});

test('a device filter of version 2 is attached', needs, async () => {
  const root = [`/sys/fs/cgroup/unified`, '/sys/fs/cgroup'].find((path) =>
    existsSync(join(path, 'cgroup.controllers')),
  );
  assert.ok(root);
  const path = join(root, `onggi-device-${process.pid}`);
  // BPF_MOV64_IMM(r0, 0), BPF_EXIT: nothing may be opened.
  const deny = Buffer.from('b7000000000000009500000000000000', 'hex');
  const allow = Buffer.from('b7000000010000009500000000000000', 'hex');
  const argv = ['sh', '-c', 'head -c 1 /dev/zero | wc -c'];
  for (const [program, said] of [
    [allow, '1\n'],
    [deny, '0\n'],
  ] as const) {
    const told = await runOnce({
      argv,
      prepare: [
        { op: 'cgroup-create', path },
        { op: 'cgroup-device', path, program, what: 'devices' },
      ],
      spawn: {
        kind: 'clone',
        namespaces: ['mnt', 'pid'],
        join: [],
        cgroups: { unified: path, legacy: [] },
        timeOffsets: [],
      },
      cleanup: [{ op: 'cgroup-remove', path }],
    });
    assert.equal(told.stdout, said);
    assert.equal(existsSync(path), false);
  }
  const garbage = Buffer.from('ff000000000000009500000000000000', 'hex');
  const told = await runOnce({
    argv,
    prepare: [
      { op: 'cgroup-create', path },
      { op: 'cgroup-device', path, program: garbage, what: 'devices' },
    ],
    cleanup: [{ op: 'cgroup-remove', path }],
  });
  assert.match(told.fail().text, /devices: load the device filter: .*opcode/);
  if (existsSync(path)) rmdirSync(path);
});

test('the shim can be executed inside, and still not be written', needs, async () => {
  const told = await runOnce({ argv: ['/proc/self/exe'] });
  // The sanitized shim is not static, and the container has no dynamic linker.
  if (told.exit.exitCode === 127 && process.env['ONGGI_LIBDIR'] !== undefined) return;
  assert.equal(told.exit.exitCode, 2);
  assert.match(told.stderr, /usage: onggi-shim/);
  // Pid 1 of `--init` is the shim: nobody inside may even look at it.
  const held = await runOnce({ argv: ['sh', '-c', 'exec 9< /proc/1/exe'], reaper: true });
  assert.match(held.stderr, /Permission denied/);
});

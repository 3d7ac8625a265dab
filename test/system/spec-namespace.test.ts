/** Namespaces of config.json, new and joined, and how mounts spread between them. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import type { Linux, NamespaceName, Spec } from '../../src/oci/runtime-spec.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { runSpec } from './spec-container.ts';

const needs = requires('root', 'busybox', 'user-namespace', 'time-namespace');

type Namespaces = NonNullable<Linux['namespaces']>;
const fresh = (...types: NamespaceName[]): Namespaces => types.map((type) => ({ type }));
const files = { network: 'net', mount: 'mnt' } as const;
const fileOf = (type: NamespaceName): string => (Object.hasOwn(files, type) ? files[type as 'mount'] : type);
const at = (pid: number | string, ...types: NamespaceName[]): Namespaces =>
  types.map((type) => ({ type, path: `/proc/${pid}/ns/${fileOf(type)}` }));

/** A process with new namespaces that only waits; its user namespace maps 65536 ids from 100000. */
async function holder(flags: readonly string[], body: (pid: number) => Promise<void>): Promise<void> {
  const unshare: ChildProcess = spawn('unshare', [...flags, '--fork', '--kill-child', 'sleep', '100'], {
    stdio: 'ignore',
  });
  try {
    const pid = await sleeper(unshare.pid ?? assert.fail());
    if (flags.includes('--user')) {
      for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${pid}/${map}`, '0 100000 65536\n');
    }
    await body(pid);
  } finally {
    unshare.kill('SIGKILL');
    await new Promise((done) => unshare.once('exit', done));
  }
}

/** The child of unshare, once it is what it is meant to be. */
async function sleeper(parent: number): Promise<number> {
  for (let tries = 0; tries < 500; tries++) {
    const child = Number(readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim());
    if (child > 0 && readFileSync(`/proc/${child}/comm`, 'utf8') === 'sleep\n') return child;
    await sleep(2);
  }
  return assert.fail('unshare did not start');
}

const proc = { destination: '/proc', type: 'proc', source: 'proc' } as const;

type More = { readonly linux?: Linux; readonly spec?: Partial<Spec>; readonly prepare?: (root: string) => void };

async function lines(script: string, namespaces: Namespaces, more: More = {}): Promise<string[]> {
  const linux = { ...more.linux, namespaces };
  const told = await runSpec({ args: ['sh', '-c', script], ...more, linux });
  assert.equal(told.exit.exitCode, 0, inspect([told.stderr, told.events]));
  return told.stdout.trimEnd().split('\n');
}

async function refusal(namespaces: Namespaces, more: More = {}): Promise<string> {
  const told = await runSpec({ args: ['true'], spec: { hostname: '' }, ...more, linux: { ...more.linux, namespaces } });
  assert.equal(told.exit.exitCode, 125, inspect(told.events));
  return inspect(told.events);
}

const reachable = (root: string): void => chmodSync(join(root, '..'), 0o755);
const seen = (...types: string[]): string => types.map((type) => `readlink /proc/self/ns/${type}`).join('; ');
const namespaceOf = (pid: number, type: string): string => readlinkSync(`/proc/${pid}/ns/${type}`);

test('a user namespace is joined and the others are new in it', needs, async () => {
  await holder(['--user'], async (pid) => {
    const namespaces = [...at(pid, 'user'), ...fresh('mount', 'pid', 'network', 'uts', 'ipc', 'cgroup', 'time')];
    const [user, ...rest] = await lines(
      `${seen('user')}; id -u; cat /proc/self/uid_map | tr -s " "; hostname; echo $$`,
      namespaces,
      {
        prepare: reachable,
        linux: { uidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }] },
      },
    );
    assert.equal(user, namespaceOf(pid, 'user'));
    assert.deepEqual(rest, ['0', ' 0 100000 65536', 'spec', '1']);
  });
});

test('namespaces of the host and of a joined user namespace in one mix', needs, async () => {
  await holder(['--net', '--ipc', '--time'], async (ofHost) => {
    await holder(['--user', '--uts', '--net'], async (ofUser) => {
      const namespaces = [
        ...at(ofUser, 'uts', 'network'),
        ...at(ofHost, 'ipc', 'time'),
        ...at(ofUser, 'user'),
        ...fresh('mount', 'pid', 'cgroup'),
      ];
      const found = await lines(`${seen('uts', 'net', 'ipc', 'user')}; hostname`, namespaces, {
        prepare: reachable,
        // mqueue belongs to who owns the IPC namespace.
        spec: { mounts: [proc, { destination: '/dev', type: 'tmpfs', source: 'dev' }] },
      });
      const expected = [
        ['uts', ofUser],
        ['net', ofUser],
        ['ipc', ofHost],
        ['user', ofUser],
      ] as const;
      assert.deepEqual(found, [...expected.map(([type, pid]) => namespaceOf(pid, type)), 'spec']);
    });
  });
});

test('the processes and the network of another container', needs, async () => {
  await holder(['--pid', '--net'], async (pid) => {
    const namespaces = [...at(pid, 'pid', 'network'), ...fresh('mount', 'uts', 'ipc', 'cgroup')];
    const found = await lines('cat /proc/1/comm; ls /sys/class/net; [ $$ -gt 1 ] && echo later', namespaces);
    assert.deepEqual(found, ['sleep', 'lo', 'later']);
  });
});

test('clocks are shifted; joined ones are those of the other', needs, async () => {
  const offsets = { boottime: { secs: 1_000_000 } };
  const uptime = '[ $(cut -d . -f 1 /proc/uptime) -gt 1000000 ] && echo old';
  const all = fresh('mount', 'pid', 'network', 'uts', 'ipc', 'cgroup');
  assert.deepEqual(await lines(uptime, [...all, ...fresh('time')], { linux: { timeOffsets: offsets } }), ['old']);
  await holder(['--time', '--boottime', '1000000'], async (pid) => {
    assert.deepEqual(await lines(uptime, [...all, ...at(pid, 'time')]), ['old']);
  });
});

test('what is no namespace, or another one, is refused by name', needs, async () => {
  const others = fresh('mount', 'pid', 'uts', 'ipc');
  const network = (path: string): Namespaces => [...others, { type: 'network', path }];
  assert.match(await refusal(network('/etc/passwd')), /join the namespace "\/etc\/passwd": it is no namespace/);
  assert.match(await refusal(network('/proc/self/ns/ipc')), /"\/proc\/self\/ns\/ipc": it is one of another type/);
  assert.match(await refusal(network('/no/such')), /errno: 2,\s*text: 'join the namespace "\/no\/such"/);
});

test('no parameter of the host is set through a path to its own namespace', needs, async () => {
  const own = (type: NamespaceName): Namespaces => {
    const others = (['mount', 'pid', 'uts', 'ipc', 'network'] as const).filter((other) => other !== type);
    return [...fresh(...others), ...at(process.pid, type)];
  };
  const said = /it is the host's, whose parameters would change/;
  assert.match(await refusal(own('uts'), { spec: { hostname: 'taken' } }), said);
  assert.match(await refusal(own('network'), { linux: { sysctl: { 'net.ipv4.ip_forward': '1' } } }), said);
  assert.match(await refusal(own('ipc'), { linux: { sysctl: { 'kernel.msgmax': '1' } } }), said);
  // Without a parameter to set, it is as good as no namespace at all.
  assert.deepEqual(await lines('echo fine', own('network'), { spec: { hostname: '' } }), ['fine']);
});

/** A shared mount in a mount namespace that is this test's alone only by name: it is taken off at the end. */
async function inSharedMount(body: (directory: string) => Promise<void>): Promise<void> {
  await using scratch = makeScratch();
  const run = (...args: string[]): void => assert.equal(spawnSync('mount', args).status, 0, args.join(' '));
  run('-t', 'tmpfs', 'shared', scratch.path);
  try {
    run('--make-shared', scratch.path);
    for (const name of ['in', 'out']) mkdirSync(join(scratch.path, name));
    await body(scratch.path);
  } finally {
    spawnSync('umount', ['-R', scratch.path]);
  }
}

const isMounted = (path: string): boolean => spawnSync('mountpoint', ['-q', path]).status === 0;

for (const [word, reachesHost] of [
  ['rshared', true],
  ['rslave', false],
  ['rprivate', false],
] as const) {
  test(`with a root that is ${word} a bind spreads ${reachesHost ? '' : 'not '}to the host`, needs, async () => {
    await inSharedMount(async (source) => {
      const mounts = [proc, { destination: '/a', type: 'bind', source, options: ['rbind', word] }];
      let spread: boolean | undefined;
      const told = await runSpec(
        {
          args: ['sh', '-c', 'mount -t tmpfs t /a/out; grep -c " /a/in " /proc/self/mountinfo'],
          spec: { mounts },
          linux: { rootfsPropagation: word },
        },
        (event) => {
          if (event.type === 'status' && event.state === 'created') {
            assert.equal(spawnSync('mount', ['-t', 'tmpfs', 't', join(source, 'in')]).status, 0);
          }
          if (event.type !== 'exit') return;
          spread = isMounted(join(source, 'out'));
          // Before anybody looks for what is left.
          for (const name of ['in', 'out']) spawnSync('umount', [join(source, name)]);
        },
      );
      const [seenInside = ''] = told.stdout.split('\n');
      assert.equal(told.exit.signal, 0, inspect([told.stderr, told.events]));
      assert.equal(seenInside, word === 'rprivate' ? '0' : '1');
      assert.equal(spread, reachesHost);
    });
  });
}

test('the root itself never spreads, and is what was asked for', needs, async () => {
  for (const [word, found] of [
    ['shared', /^shared:\d+$/],
    ['unbindable', /^unbindable$/],
    ['private', /^$/],
  ] as const) {
    const namespaces = fresh('mount', 'pid', 'network', 'uts', 'ipc', 'cgroup');
    const script = 'grep " / rw" /proc/self/mountinfo | head -n 1 | sed -E "s/^([^ ]+ ){6}//;s/ ?- .*//"';
    const [fields = ''] = await lines(script, namespaces, { linux: { rootfsPropagation: word } });
    assert.match(fields, found, word);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../../errors.ts';
import type { ImageProcess } from '../../oci/image-spec.ts';
import type { Mount, Spec } from '../../oci/runtime-spec.ts';
import { allCapabilities, capabilitySet } from '../../runtime/capability.ts';
import type { BindMount, ContainerOptions, ExecOptions } from '../types.ts';
import { execProcess, makeSpec, type SpecFacts } from './spec.ts';

const warnings: string[] = [];
const facts: SpecFacts = {
  joined: new Map(),
  ordinaryUser: false,
  maps: undefined,
  devicesAt: () => [],
  isThere: () => false,
  withCdi: (spec) => spec,
  images: ({ source }) => `/images/${source}`,
  volumes: (name) => ({ path: `/volumes/${name}/_data`, options: {} }),
  id: '0123456789abcdef'.repeat(4),
  cgroupsPath: '/onggi/x',
  hostname: 'machine',
  files: { hostname: '/s/hostname', hosts: '/s/hosts', resolv: '/s/resolv.conf' },
  capabilities: allCapabilities.filter((name) => name !== 'CAP_SYS_RESOURCE'),
  architecture: 'x86_64',
  kernel: [6, 1],
  cpus: 2,
  swap: true,
  legacyMemory: true,
  systemdCgroup: 'named',
  maskedPaths: ['/var/lib/onggi'],
  devices: () => [{ path: '/dev/sda', type: 'b', major: 8, minor: 0, fileMode: 0o660 }],
  warn: (message) => void warnings.push(message),
};

const image: ImageProcess = {
  env: ['PATH=/opt/bin', 'LANG=C'],
  entrypoint: ['/entry'],
  cmd: ['serve', '-v'],
  workingDir: '/srv',
  user: 'web',
  exposedPorts: ['80/tcp'],
  volumes: ['/data'],
  labels: { a: 'b' },
  stopSignal: 'SIGQUIT',
};

const spec = (options: Partial<ContainerOptions> = {}, from: ImageProcess | null = image): Spec =>
  makeSpec({ image: 'x', ...options }, from, facts);
const args = (options: Partial<ContainerOptions>, from: ImageProcess | null = image): readonly string[] | undefined =>
  spec(options, from).process?.args;
const mountAt = (of: Spec, destination: string): Mount | undefined =>
  of.mounts?.find((mount) => mount.destination === destination);
const invalid = (error: unknown): boolean => error instanceof OnggiError && error.code === 'invalid';
const bind = (target: string, more: Partial<BindMount> = {}): BindMount => ({
  type: 'bind',
  source: '/src',
  target,
  readOnly: false,
  propagation: 'rprivate',
  ...more,
});

test('entrypoint and command, as docker run puts them together', () => {
  assert.deepEqual(args({}), ['/entry', 'serve', '-v']);
  assert.deepEqual(args({ command: ['x'] }), ['/entry', 'x']);
  assert.deepEqual(args({ entrypoint: ['/other'] }), ['/other']);
  assert.deepEqual(args({ entrypoint: ['/other'], command: ['x'] }), ['/other', 'x']);
  assert.deepEqual(args({ entrypoint: [''], command: ['x'] }), ['x']);
  assert.deepEqual(args({ entrypoint: [], command: ['x'] }), ['x']);
  assert.deepEqual(args({ command: ['bash'] }, null), ['bash']);
  for (const options of [{ entrypoint: [''] }, { entrypoint: [], command: [] }]) {
    assert.throws(() => args(options), invalid);
  }
  assert.throws(() => args({ entrypoint: [], command: [''] }), { code: 'command-not-found' });
  assert.throws(() => args({}, null), invalid);
});

test('environment: defaults, then the image, then the user', () => {
  assert.deepEqual(spec({ env: ['LANG=de', 'NEW=1', 'EMPTY='] }).process?.env, [
    'PATH=/opt/bin',
    'HOSTNAME=0123456789ab',
    'LANG=de',
    'NEW=1',
    'EMPTY=',
  ]);
  assert.deepEqual(spec({ terminal: true, hostname: 'h', command: ['sh'] }, null).process?.env, [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'HOSTNAME=h',
    'TERM=xterm',
  ]);
});

test('identity: user, working directory, host name', () => {
  const asked = spec({ user: '1000:5', workingDir: '/a/../b/', hostname: 'h', domainname: 'd.example' });
  assert.deepEqual(asked.process?.user, { uid: 0, gid: 0, username: '1000:5' });
  assert.equal(asked.process?.cwd, '/b');
  assert.equal(asked.hostname, 'h');
  assert.equal(asked.domainname, 'd.example');
  assert.deepEqual(spec().process?.user, { uid: 0, gid: 0, username: 'web' });
  assert.deepEqual(spec({}, { ...image, user: '' }).process?.user, { uid: 0, gid: 0, additionalGids: [0] });
  assert.equal(spec({}, { ...image, workingDir: 'rel/../../x' }).process?.cwd, '/x');
  assert.equal(spec().hostname, '0123456789ab');
  assert.throws(() => spec({ workingDir: 'rel' }), invalid);
});

test('host names that would be other lines of /etc/hosts are refused', () => {
  for (const name of ['a\n6.6.6.6 evil', 'a b', 'a\tb', 'a\rb', 'a#', '\u001b[2J', '\u0085']) {
    assert.throws(() => spec({ hostname: name }), invalid, name);
    assert.throws(() => spec({ domainname: name }), invalid, name);
  }
});

test('namespaces: all but the network of the host', () => {
  const types = (options: Partial<ContainerOptions>): string[] | undefined =>
    spec(options).linux?.namespaces?.map(({ type }) => type);
  assert.deepEqual(types({}), ['mount', 'pid', 'uts', 'ipc', 'cgroup', 'network']);
  assert.deepEqual(types({ network: 'host' }), ['mount', 'pid', 'uts', 'ipc', 'cgroup']);
  assert.equal(spec({ network: 'host' }).hostname, 'machine');
  assert.deepEqual(spec({ network: 'host' }).linux?.sysctl, {});
  assert.equal(spec().linux?.sysctl?.['net.ipv4.ip_unprivileged_port_start'], '0');
});

test('mounts: the usual ones in order, parents before children', () => {
  assert.deepEqual(
    spec({ mounts: [bind('/a/b'), bind('/a'), { type: 'tmpfs', target: '/t', options: 'size=1m,exec' }] }).mounts?.map(
      (mount) => mount.destination,
    ),
    [
      ...['/proc', '/dev', '/dev/pts', '/sys', '/sys/fs/cgroup', '/dev/mqueue', '/dev/shm'],
      ...['/a', '/t', '/etc/resolv.conf', '/etc/hostname', '/etc/hosts', '/a/b'],
    ],
  );
});

test('mounts: what the user mounts takes the place of a usual mount', () => {
  const on = (destination: string): string => mountAt(spec({ mounts: [bind(destination)] }), destination)?.source ?? '';
  for (const destination of ['/proc', '/dev/shm', '/etc/hosts', '/sys/fs/cgroup'])
    assert.equal(on(destination), '/src');
  const dev = spec({ mounts: [bind('/dev/')] });
  assert.equal(dev.mounts?.filter((mount) => mount.destination.startsWith('/dev')).length, 1);
});

test('mounts: options of binds and tmpfs', () => {
  const of = spec({
    mounts: [
      bind('/rw'),
      bind('/ro', { readOnly: true, propagation: 'rslave' }),
      { type: 'tmpfs', target: '/t', options: 'mode=700' },
    ],
  });
  assert.deepEqual(mountAt(of, '/rw')?.options, ['rbind', 'rprivate']);
  assert.deepEqual(mountAt(of, '/ro')?.options, ['rbind', 'rro', 'rslave']);
  assert.deepEqual(mountAt(of, '/t')?.options, ['noexec', 'nosuid', 'nodev', 'mode=700']);
  assert.ok(mountAt(of, '/dev/shm')?.options?.includes('size=65536k'));
  assert.throws(() => spec({ mounts: [bind('/a'), bind('/a/')] }), invalid);
  assert.throws(() => spec({ mounts: [bind('/')] }), invalid);
  assert.throws(() => spec({ mounts: [bind('rel')] }), invalid);
  assert.throws(() => spec({ mounts: [bind('/a', { source: 'rel' })] }), invalid);
  assert.throws(() => spec({ mounts: [{ type: 'tmpfs', target: '/t', options: 'lowerdir=/etc' }] }), invalid);
});

/** All five sets; only three of them may ever hold anything (CVE-2022-24769). */
function sets(of: Spec): Record<string, bigint> {
  const {
    bounding = [],
    effective = [],
    permitted = [],
    inheritable = [],
    ambient = [],
  } = of.process?.capabilities ?? {};
  const all = { bounding, effective, permitted, inheritable, ambient };
  return Object.fromEntries(Object.entries(all).map(([name, names]) => [name, capabilitySet(names)]));
}

test('capabilities: the five sets of each way to start', () => {
  const expected = (set: bigint): Record<string, bigint> => ({
    bounding: set,
    effective: set,
    permitted: set,
    inheritable: 0n,
    ambient: 0n,
  });
  const held = capabilitySet(facts.capabilities);
  assert.deepEqual(sets(spec()), expected(0xa80425fbn));
  assert.deepEqual(sets(spec({ user: '1000' })), expected(0xa80425fbn));
  assert.deepEqual(sets(spec({ capDrop: ['ALL'] })), expected(0n));
  assert.deepEqual(sets(spec({ capAdd: ['NET_ADMIN'], capDrop: ['ALL'] })), expected(1n << 12n));
  assert.deepEqual(sets(spec({ privileged: true })), expected(held));
  assert.deepEqual(sets(spec({ capAdd: ['ALL'] })), expected(held));
  // Asked for by name, it stays, so that the compiler warns that it can't be had.
  assert.deepEqual(sets(spec({ capAdd: ['ALL', 'sys_resource'] })), expected(held | (1n << 24n)));
});

test("exec: the container's process but for what is asked", () => {
  const container = spec({ terminal: true, consoleSize: { rows: 5, columns: 6 } }).process;
  assert.ok(container !== undefined);
  const exec = (options: Partial<ExecOptions>): ReturnType<typeof execProcess> =>
    execProcess(container, { command: ['sh'], ...options });
  const plain = exec({});
  assert.deepEqual(plain.args, ['sh']);
  assert.equal(plain.terminal, false);
  assert.equal(plain.consoleSize, undefined);
  assert.deepEqual(plain.user, container.user);
  assert.equal(plain.cwd, '/srv');
  assert.deepEqual(plain.capabilities, container.capabilities);
  assert.deepEqual(plain.rlimits, container.rlimits);
  const other = exec({ user: '5', workingDir: '/w', env: ['LANG=x'], terminal: true, privileged: true });
  assert.deepEqual(other.user, { uid: 0, gid: 0, username: '5' });
  assert.equal(other.cwd, '/w');
  assert.ok(other.env?.includes('LANG=x') && other.env.includes('TERM=xterm'));
  assert.deepEqual(other.capabilities?.bounding, allCapabilities);
  assert.equal(other.capabilities?.inheritable, undefined);
  assert.throws(() => exec({ command: [] }), invalid);
  assert.throws(() => exec({ workingDir: 'rel' }), invalid);
});

test('isolation of an ordinary container, and of a privileged one', () => {
  const plain = spec().linux;
  assert.equal(plain?.seccomp?.defaultAction, 'SCMP_ACT_ERRNO');
  assert.ok(plain?.maskedPaths?.includes('/proc/kcore') && plain.maskedPaths.includes('/var/lib/onggi'));
  assert.ok(plain?.readonlyPaths?.includes('/proc/sys'));
  assert.deepEqual(plain?.resources?.devices, [{ allow: false, access: 'rwm' }]);
  assert.deepEqual(plain?.devices, []);
  assert.ok(mountAt(spec(), '/sys')?.options?.includes('ro'));
  const privileged = spec({ privileged: true });
  assert.equal(privileged.linux?.seccomp, undefined);
  assert.deepEqual(privileged.linux?.maskedPaths, []);
  assert.deepEqual(privileged.linux?.readonlyPaths, []);
  assert.deepEqual(privileged.linux?.resources?.devices, [{ allow: true, access: 'rwm' }]);
  assert.equal(privileged.linux?.devices?.length, 1);
  for (const place of ['/sys', '/sys/fs/cgroup']) assert.ok(mountAt(privileged, place)?.options?.includes('rw'));
});

test('the image "host": the machine\'s secrets stay masked, privileged or not', () => {
  const command = { command: ['sh'] };
  assert.ok(spec(command, null).linux?.maskedPaths?.includes('/var/lib/onggi'));
  assert.deepEqual(spec({ ...command, privileged: true }, null).linux?.maskedPaths, ['/var/lib/onggi']);
});

test('limits', () => {
  const of = (resources: ContainerOptions['resources'] & object, more: Partial<SpecFacts> = {}): Spec =>
    makeSpec({ image: 'x', resources }, image, { ...facts, ...more });
  const limits = of({
    memory: 32 << 20,
    memoryReservation: 16 << 20,
    nanoCpus: 1_500_000_000,
    cpuShares: 512,
    cpusetCpus: '0-1',
    pidsLimit: 20,
    blkioWeight: 300,
  }).linux?.resources;
  assert.deepEqual(limits, {
    memory: { limit: 32 << 20, swap: 64 << 20, reservation: 16 << 20 },
    cpu: { shares: 512, quota: 150_000, period: 100_000, cpus: '0-1' },
    pids: { limit: 20 },
    blockIO: { weight: 300 },
    devices: [{ allow: false, access: 'rwm' }],
  });
  assert.deepEqual(of({ memory: 32 << 20, memorySwap: -1 }).linux?.resources?.memory, { limit: 32 << 20, swap: -1 });
  assert.deepEqual(of({ pidsLimit: -1 }).linux?.resources?.pids, { limit: -1 });
  for (const resources of [
    { memory: 1000 },
    { memorySwap: 64 << 20 },
    { memory: 64 << 20, memorySwap: 32 << 20 },
    { memory: 32 << 20, memoryReservation: 64 << 20 },
    { nanoCpus: 3_000_000_000 },
    { nanoCpus: 1 },
    { blkioWeight: 5 },
  ]) {
    assert.throws(() => of(resources), invalid, JSON.stringify(resources));
  }
});

test('without swap accounting the memory is limited alone, and said so', () => {
  warnings.length = 0;
  const of = makeSpec({ image: 'x', resources: { memory: 32 << 20 } }, image, { ...facts, swap: false });
  assert.deepEqual(of.linux?.resources?.memory, { limit: 32 << 20 });
  assert.equal(warnings.length, 1);
});

test('ulimits: -1 is unlimited', () => {
  const of = spec({ ulimits: [{ name: 'nofile', soft: 5n, hard: -1n }] });
  assert.deepEqual(of.process?.rlimits, [{ type: 'RLIMIT_NOFILE', soft: 5n, hard: 0xffff_ffff_ffff_ffffn }]);
});

/** The result without the four things that an image may say. */
function policyOf(of: Spec): unknown {
  const { process, ...rest } = of;
  assert.ok(process !== undefined);
  const { args: _args, env: _env, cwd: _cwd, user: _user, ...limits } = process;
  return { ...rest, process: limits };
}

test('no field of an image config moves a field of policy', () => {
  const evil: { [K in keyof ImageProcess]: ImageProcess[K] } = {
    env: ['ONGGI_PRIVILEGED=1', 'LD_PRELOAD=/x', 'container=oci', 'HOSTNAME=evil', 'PATH=/evil'],
    entrypoint: ['--privileged', '--cap-add=ALL'],
    cmd: ['-v', '/:/host'],
    workingDir: '/proc/self/fd/7',
    user: 'root:root',
    exposedPorts: ['1/tcp', '22/tcp'],
    volumes: ['/', '/proc', '/../../etc'],
    labels: { 'io.podman.annotations.privileged': 'TRUE', 'org.onggi.privileged': 'true', seccomp: 'unconfined' },
    stopSignal: 'SIGSTOP',
  };
  const extras = {
    annotations: { privileged: 'true' },
    HostConfig: { Privileged: true },
    privileged: true,
    capAdd: ['ALL'],
  };
  const expected = policyOf(spec());
  for (const field of Object.keys(evil) as (keyof ImageProcess)[]) {
    assert.deepEqual(policyOf(spec({}, { ...image, [field]: evil[field] })), expected, field);
  }
  assert.deepEqual(policyOf(spec({}, { ...evil, ...extras } as ImageProcess)), expected, 'all at once');
});

test('our own init is a file of the container where checkpoints can be made of it', () => {
  const init = (options: Partial<ContainerOptions>, more: Partial<SpecFacts> = {}) =>
    makeSpec({ image: 'x', ...options }, image, { ...facts, initProgram: '/lib/shim', ...more }).mounts?.filter(
      ({ destination }) => destination.endsWith('/onggi-init'),
    );
  const own = { type: 'bind', source: '/lib/shim', options: ['bind', 'ro', 'rprivate'] };
  assert.deepEqual(init({ init: true }), [{ destination: '/dev/onggi-init', ...own }]);
  const given = init({ init: true, initPath: '/my/init' });
  assert.deepEqual(given, [{ ...own, destination: '/run/onggi-init', source: '/my/init' }]);
  const over = { type: 'bind', source: '/dev', target: '/dev/', readOnly: false, propagation: 'rprivate' } as const;
  const without: Partial<ContainerOptions>[] = [{}, { init: true, pidMode: 'host' }, { init: true, mounts: [over] }];
  for (const options of without) assert.deepEqual(init(options), [], JSON.stringify(options));
  assert.deepEqual(init({ init: true }, { ordinaryUser: true }), []);
  // Who could write to it has a copy of it.
  for (const options of [{ privileged: true }, { capAdd: ['sys_admin'] }]) {
    const copied = [{ ...own, destination: '/dev/onggi-init', source: '/c/init' }];
    assert.deepEqual(init({ init: true, ...options }, { initCopy: '/c/init' }), copied);
  }
});

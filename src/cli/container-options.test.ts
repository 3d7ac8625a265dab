import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerFlags, refusedContainerFlags } from './container-flags.ts';
import { containerOptions, containerWarnings, type Facts } from './container-options.ts';
import { parseArguments } from './parse.ts';

const noFacts: Facts = {
  environment: {},
  fileEnvironment: [],
  fileLabels: [],
  directory: '/home/user',
  seccompProfile: (path) => path,
  consoleSize: undefined,
};

function flagsOf(line: readonly string[]) {
  const outcome = parseArguments({ flags: containerFlags, refused: refusedContainerFlags, interspersed: false }, line);
  if (outcome.type !== 'parsed') throw new Error(outcome.type === 'problem' ? outcome.message : 'help');
  return outcome;
}

function optionsOf(line: readonly string[], facts: Partial<Facts> = {}) {
  const { flags, args } = flagsOf(line);
  return containerOptions(flags, args, { ...noFacts, ...facts });
}

/** What is asked for when nothing is. */
const plain = {
  image: 'x',
  terminal: false,
  stdin: false,
  autoRemove: false,
  readOnly: false,
  privileged: false,
  init: false,
  mounts: [],
  resources: {},
};

/** Flag by flag: what it changes. */
const single: readonly [readonly string[], object][] = [
  [['-t'], { terminal: true }],
  [['-i'], { stdin: true }],
  [['--rm'], { autoRemove: true }],
  [['--read-only'], { readOnly: true }],
  [['--privileged'], { privileged: true }],
  [['--init'], { init: true }],
  [['--name', 'web'], { name: 'web' }],
  [['--entrypoint', '/bin/sh'], { entrypoint: ['/bin/sh'] }],
  [['--entrypoint', ''], { entrypoint: [] }],
  [['-e', 'A=1', '--env', 'B'], { env: ['A=1', 'B'] }],
  [['-w', '/w'], { workingDir: '/w' }],
  [['-u', '1:2'], { user: '1:2' }],
  [['-h', 'box'], { hostname: 'box' }],
  [['--domainname', 'example'], { domainname: 'example' }],
  [['-l', 'a=b', '--label', 'c'], { labels: { a: 'b', c: '' } }],
  [['--network', 'none'], { network: 'none' }],
  [['--net=host'], { network: 'host' }],
  [['-p', '8080:80'], { ports: [{ hostIp: '', hostPort: 8080, containerPort: 80, protocol: 'tcp' }] }],
  [['-p', '80', '--network', 'host'], { network: 'host' }],
  [['--cap-add', 'net_admin', '--cap-add', 'CAP_SYS_TIME'], { capAdd: ['NET_ADMIN', 'SYS_TIME'] }],
  [['--cap-drop', 'all'], { capDrop: ['ALL'] }],
  [['--stop-signal', 'SIGINT'], { stopSignal: 'SIGINT' }],
  [['--stop-timeout', '3'], { stopTimeout: 3 }],
  [['--stop-timeout', '0'], { stopTimeout: 0 }],
  [['--ulimit', 'nofile=10:20'], { ulimits: [{ name: 'nofile', soft: 10n, hard: 20n }] }],
  [['--sysctl', 'net.core.somaxconn=5'], { sysctls: { 'net.core.somaxconn': '5' } }],
  [
    ['--log-opt', 'max-size=1m', '--log-opt', 'max-file=2'],
    { log: { driver: 'json-file', options: { 'max-size': '1m', 'max-file': '2' } } },
  ],
  [
    ['--log-driver', 'local', '--log-opt', 'mode=non-blocking'],
    { log: { driver: 'local', options: { mode: 'non-blocking' } } },
  ],
  [['-m', '512m'], { resources: { memory: 536870912 } }],
  [['-m', '0'], { resources: {} }],
  [['-m', '1g', '--memory-swap', '-1'], { resources: { memory: 2 ** 30, memorySwap: -1 } }],
  [['--memory-reservation', '64m'], { resources: { memoryReservation: 67108864 } }],
  [['--cpus', '1.5'], { resources: { nanoCpus: 1_500_000_000 } }],
  [['-c', '512'], { resources: { cpuShares: 512 } }],
  [['--cpuset-cpus', '0-1', '--cpuset-mems', '0'], { resources: { cpusetCpus: '0-1', cpusetMems: '0' } }],
  [['--pids-limit', '100'], { resources: { pidsLimit: 100 } }],
  [['--pids-limit', '-1'], { resources: { pidsLimit: -1 } }],
  [['--pids-limit', '0'], { resources: {} }],
  [['--blkio-weight', '500'], { resources: { blkioWeight: 500 } }],
  [['--cpu-period', '50000', '--cpu-quota', '-1'], { resources: { cpuPeriod: 50000, cpuQuota: -1 } }],
  [
    ['--cpu-rt-period', '100000', '--cpu-rt-runtime', '9000'],
    { resources: { cpuRealtimePeriod: 100000, cpuRealtimeRuntime: 9000 } },
  ],
  [['--memory-swappiness', '0', '--oom-kill-disable'], { resources: { memorySwappiness: 0, oomKillDisable: true } }],
  [['--memory-swappiness', '-1'], { resources: {} }],
  [['--blkio-weight-device', '/dev/a:10'], { resources: { blkioWeightDevices: [{ path: '/dev/a', weight: 10 }] } }],
  [['--device-read-bps', '/dev/a:1k'], { resources: { deviceReadBps: [{ path: '/dev/a', rate: 1024 }] } }],
  [['--device-write-bps', '/dev/a:1k'], { resources: { deviceWriteBps: [{ path: '/dev/a', rate: 1024 }] } }],
  [['--device-read-iops', '/dev/a:5'], { resources: { deviceReadIops: [{ path: '/dev/a', rate: 5 }] } }],
  [['--device-write-iops', '/dev/a:5'], { resources: { deviceWriteIops: [{ path: '/dev/a', rate: 5 }] } }],
  [
    ['--device-cgroup-rule', 'c 1:* r'],
    { resources: { deviceRules: [{ type: 'c', major: 1, minor: -1, access: 'r' }] } },
  ],
  [['--oom-score-adj', '-5'], { oomScoreAdj: -5 }],
  [['--cgroup-parent', '/a/b'], { cgroupParent: '/a/b' }],
  [['--isolation', 'default'], {}],
  [['--expose', '80', '--expose', '90-91/udp', '-P'], { exposed: ['80/tcp', '90/udp', '91/udp'], publishAll: true }],
  [['-P', '--network', 'none'], { network: 'none' }],
  [['--shm-size', '1m'], { shmSize: 1048576 }],
  [['--storage-opt', 'size=1m'], { storageSize: 1048576 }],
  [['--rootfs'], { rootfs: { path: '/home/user/x', overlay: false, mapped: false } }],
  [['--mac-address', '02-42-AC-11-00-02'], { macAddress: '02:42:ac:11:00:02' }],
  [['--link-local-ip', '169.254.0.9'], { linkLocalAddresses: ['169.254.0.9'] }],
  [['--group-add', 'staff', '--group-add', '7'], { groups: ['staff', '7'] }],
  [['--security-opt', 'no-new-privileges'], { security: { noNewPrivileges: true } }],
  [
    ['--security-opt', 'seccomp=unconfined', '--security-opt', 'label=disable'],
    { security: { seccomp: null, label: { disable: true } } },
  ],
  [['--security-opt', 'seccomp=p.json'], { security: { seccomp: { template: 'p.json' } } }],
  [['--security-opt', 'seccomp=builtin'], {}],
  [['--security-opt', 'seccomp=unconfined', '--security-opt', 'seccomp=builtin'], {}],
  [['--security-opt', 'mask=/a', '--security-opt', 'mask=/b:/c'], { security: { mask: ['/a', '/b', '/c'] } }],
  [
    ['--security-opt', 'systempaths=unconfined', '--security-opt', 'apparmor=x'],
    { security: { systemPathsVisible: true, apparmor: 'x' } },
  ],
  [['--device', 'vendor.com/net=a', '--gpus', '1'], { cdiDevices: ['vendor.com/net=a', 'nvidia.com/gpu=0'] }],
  [['--sdnotify', 'healthy'], { sdnotify: 'healthy' }],
  [['--init', '--init-path', '/usr/bin/tini'], { init: true, initPath: '/usr/bin/tini' }],
  [['--runtime', 'crun'], { runtime: 'crun' }],
  [['--systemd', 'always'], { systemd: 'always' }],
  [['--systemd=false'], { systemd: 'never' }],
  [['--systemd', 'true'], {}],
  [['--device', '/dev/fuse:r'], { devices: [{ source: '/dev/fuse', target: '/dev/fuse', access: 'r' }] }],
  [['--pid', 'host'], { pidMode: 'host' }],
  [['--ipc', 'none'], { ipcMode: 'none' }],
  [['--uts', 'host'], { utsMode: 'host' }],
  [['--pid', 'private'], {}],
  [['--requires', 'a,b', '--requires', 'c'], { requires: ['a', 'b', 'c'] }],
  [['--replace', '--name', 'x'], { name: 'x' }],
  [['--userns', 'auto:size=9000'], { userNamespace: { kind: 'auto', size: 9000 } }],
  [
    ['--uidmap', '0:5:6'],
    {
      userNamespace: {
        kind: 'maps',
        uids: [{ containerId: 0, hostId: 5, size: 6 }],
        gids: [{ containerId: 0, hostId: 5, size: 6 }],
      },
    },
  ],
  [
    ['--gidmap', '0:5:6', '--uidmap', '0:7:8'],
    {
      userNamespace: {
        kind: 'maps',
        uids: [{ containerId: 0, hostId: 7, size: 8 }],
        gids: [{ containerId: 0, hostId: 5, size: 6 }],
      },
    },
  ],
  [['--subuidname', 'a'], { userNamespace: { kind: 'subordinate', user: 'a', group: 'a' } }],
  [['--subgidname', 'a'], { userNamespace: { kind: 'subordinate', user: 'a', group: 'a' } }],
  [['--secret', 'token'], { secrets: [{ type: 'mount', secret: 'token', uid: 0, gid: 0, mode: 0o444 }] }],
  [['--pid', 'container:x', '--ipc', 'shareable'], { pidMode: 'container:x', ipcMode: 'shareable' }],
  [['--network', 'container:x'], { network: 'container:x' }],
  [
    ['--link', 'web', '--link', 'web:db'],
    {
      links: [
        { container: 'web', alias: 'web' },
        { container: 'web', alias: 'db' },
      ],
    },
  ],
  [['--cgroupns', 'host'], { cgroupnsMode: 'host' }],
  [['--add-host', 'db:10.0.0.1'], { extraHosts: [{ name: 'db', address: '10.0.0.1' }] }],
  [['--dns', '1.1.1.1'], { dns: { servers: ['1.1.1.1'], search: [], options: [] } }],
  [
    ['--dns-search', 'a.example', '--dns-opt', 'ndots:1'],
    { dns: { servers: [], search: ['a.example'], options: ['ndots:1'] } },
  ],
  [['--annotation', 'a=b'], { annotations: { a: 'b' } }],
  [['--health-cmd', 'a b'], { health: { test: { line: 'a b' } } }],
  [['--health-interval', '1m'], { health: { interval: 60_000 } }],
  [['--health-timeout', '1s'], { health: { timeout: 1000 } }],
  [['--health-start-period', '2s'], { health: { startPeriod: 2000 } }],
  [['--health-start-interval', '3s'], { health: { startInterval: 3000 } }],
  [['--health-retries', '4'], { health: { retries: 4 } }],
  [['--health-on-failure', 'stop'], { health: { onFailure: 'stop' } }],
  [['--no-healthcheck'], { health: { test: null } }],
  [['--restart', 'on-failure:2'], { restart: { name: 'on-failure', maximumRetries: 2 } }],
  [['--restart', 'no'], {}],
  [['--volumes-from', 'web:ro'], { volumesFrom: [{ container: 'web', readOnly: true }] }],
  [['--volume-driver', 'local'], {}],
  [['-v', '/x'], { volumes: ['/x'] }],
  [
    ['-v', './a:/b:ro', '--tmpfs', '/t:size=1m', '--mount', 'type=tmpfs,dst=/u'],
    {
      mounts: [
        { type: 'bind', source: '/home/user/a', target: '/b', readOnly: true, propagation: 'rprivate' },
        { type: 'tmpfs', target: '/u', options: '', byMount: true },
        { type: 'tmpfs', target: '/t', options: 'size=1m' },
      ],
    },
  ],
];

test('each flag changes what it is about and nothing else', async (t) => {
  assert.deepEqual(optionsOf(['x']), plain);
  for (const [line, changes] of single) {
    await t.test(line.join(' '), () => assert.deepEqual(optionsOf([...line, 'x']), { ...plain, ...changes }));
  }
});

test('every flag of run and create is tried above, or is not about the container', () => {
  const tried = new Set(single.flatMap(([line]) => [...flagsOf([...line, 'x']).given]));
  const elsewhere = ['attach', 'cidfile', 'env-file', 'interactive', 'label-file', 'platform', 'pull', 'quiet'];
  const always = ['ip', 'ip6', 'network-alias'];
  for (const name of Object.keys(containerFlags)) {
    assert.ok(tried.has(name) || elsewhere.includes(name) || always.includes(name), name);
  }
});

test('what goes with a network is said by flags or by the network', () => {
  const line = ['--network', 'name=bridge,mac-address=02:00:00:00:00:01,link-local-ip=169.254.0.9', 'x'];
  assert.deepEqual(optionsOf(line), {
    ...plain,
    network: 'bridge',
    macAddress: '02:00:00:00:00:01',
    linkLocalAddresses: ['169.254.0.9'],
  });
  assert.equal(optionsOf(['--network', 'host', '--link-local-ip', '169.254.0.9', 'x']).linkLocalAddresses, undefined);
  const refused: readonly (readonly [readonly string[], RegExp])[] = [
    [['--mac-address', '02:00:00:00:00:02', ...line], /cannot specify both --mac-address and per-network MAC address/],
    [['--ip', '10.0.0.1', 'x'], /user specified IP address is supported on user defined networks only/],
    [
      ['--network', 'name=host,ip6=fd00::1', 'x'],
      /user specified IP address is supported on user defined networks only/,
    ],
    [['--net-alias', 'a', 'x'], /network-scoped aliases are only supported for user-defined networks/],
  ];
  for (const [words, message] of refused) assert.throws(() => optionsOf(words), { code: 'invalid', message });
});

test('what follows the image is the command, flags and all', () => {
  assert.deepEqual(optionsOf(['x', 'ls', '-l', '--', '--rm']), { ...plain, command: ['ls', '-l', '--', '--rm'] });
});

test('files come before flags, and names take the value of the caller', () => {
  const facts = {
    environment: { HOME: '/root', LANG: 'C' },
    fileEnvironment: [
      { name: 'A', value: 'file' },
      { name: 'HOME', value: undefined },
    ],
    fileLabels: [{ name: 'a', value: 'file' }],
  };
  const options = optionsOf(['-e', 'A=flag', '-e', 'LANG', '-l', 'a=flag', 'x'], facts);
  assert.deepEqual(options.env, ['A=flag', 'HOME=/root', 'LANG=C']);
  assert.deepEqual(options.labels, { a: 'flag' });
});

test('the size of the terminal is told only where there is one', () => {
  const consoleSize = { rows: 24, columns: 80 };
  assert.equal(optionsOf(['x'], { consoleSize }).consoleSize, undefined);
  assert.deepEqual(optionsOf(['-t', 'x'], { consoleSize }).consoleSize, consoleSize);
});

test('what is to be relabelled, and the labels', () => {
  const [bind] = optionsOf(['-v', '/a:/b:Z', 'x']).mounts ?? [];
  assert.equal(bind?.type === 'bind' && bind.relabel, 'private');
  const security = ['--security-opt', 'label=type:a_t', '--security-opt', 'label=level:s0:c1,c2'];
  assert.deepEqual(optionsOf([...security, 'x']).security, { label: { type: 'a_t', level: 's0:c1,c2' } });
});

test('ports without a network of their own are discarded with a warning', () => {
  assert.deepEqual(containerWarnings(flagsOf(['-p', '80', 'x']).flags), []);
  assert.deepEqual(containerWarnings(flagsOf(['-p', '80', '--network', 'host', 'x']).flags), [
    'Published ports are discarded when using host network mode',
  ]);
});

test('an image without a name is refused', () => {
  assert.throws(() => optionsOf(['']), /invalid reference format/);
});

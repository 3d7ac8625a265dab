/** Bundles about devices and control groups: config-linux.md#devices, config-linux.md#control-groups. */
import type { Linux, Resources } from '../../src/oci/runtime-spec.ts';
import { type Bundle, cgroupMount, type Place, predates, specOf, type Wish } from './bundle.ts';

/** The container's own cgroup files, by the names of version 1. */
function fileOf(controller: string, name: string): string {
  return `content:/sys/fs/cgroup/${controller}/${name}`;
}

function limited(
  place: Place,
  resources: Resources,
  ask: readonly string[],
  more: Partial<Linux> = {},
  wish: Wish = {},
) {
  const rules = [{ allow: false, access: 'rwm' }];
  const linux = { cgroupsPath: place.cgroup, resources: { devices: rules, ...resources }, ...more };
  return specOf({ ask, mounts: [cgroupMount], ...wish, linux });
}

export const resourceBundles: readonly Bundle[] = [
  {
    name: 'memory',
    section: 'config-linux.md#memory',
    about: 'limit, reservation and swappiness',
    needs: ['cgroup-v1'],
    spec: (place) =>
      limited(place, { memory: { limit: 64 << 20, reservation: 32 << 20, swappiness: 0 } }, [
        fileOf('memory', 'memory.limit_in_bytes'),
        fileOf('memory', 'memory.soft_limit_in_bytes'),
        fileOf('memory', 'memory.swappiness'),
        'list:/sys/fs/cgroup',
        'create:/sys/fs/cgroup/memory',
      ]),
    expect: {
      exit: 0,
      'paths.content:/sys/fs/cgroup/memory/memory.limit_in_bytes': `${64 << 20}\n`,
      'paths.content:/sys/fs/cgroup/memory/memory.soft_limit_in_bytes': `${32 << 20}\n`,
      'paths.content:/sys/fs/cgroup/memory/memory.swappiness': '0\n',
    },
    differences: [
      {
        runtime: 'crun',
        field: 'paths.list:/sys/fs/cgroup',
        why: 'crun makes links to controllers that are not there',
      },
    ],
  },
  {
    name: 'swap',
    section: 'config-linux.md#memory',
    about: 'memory and swap together, the OOM killer off',
    needs: ['cgroup-v1', 'swap-accounting'],
    spec: (place) =>
      limited(place, { memory: { limit: 64 << 20, swap: 96 << 20, disableOOMKiller: true } }, [
        fileOf('memory', 'memory.limit_in_bytes'),
        fileOf('memory', 'memory.memsw.limit_in_bytes'),
        fileOf('memory', 'memory.oom_control'),
      ]),
    expect: {
      exit: 0,
      'paths.content:/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes': `${96 << 20}\n`,
      'paths.content:/sys/fs/cgroup/memory/memory.oom_control': 'oom_kill_disable 1\nunder_oom 0\noom_kill 0\n',
    },
  },
  {
    name: 'cpu',
    section: 'config-linux.md#cpu',
    about: 'shares, quota, period, burst and the set of processors',
    needs: ['cgroup-v1'],
    spec: (place) =>
      limited(place, { cpu: { shares: 512, quota: 50_000, period: 100_000, burst: 10_000, cpus: '0', mems: '0' } }, [
        fileOf('cpu', 'cpu.shares'),
        fileOf('cpu', 'cpu.cfs_quota_us'),
        fileOf('cpu', 'cpu.cfs_period_us'),
        fileOf('cpu', 'cpu.cfs_burst_us'),
        fileOf('cpuset', 'cpuset.cpus'),
        fileOf('cpuset', 'cpuset.mems'),
      ]),
    expect: {
      exit: 0,
      'paths.content:/sys/fs/cgroup/cpu/cpu.shares': '512\n',
      'paths.content:/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000\n',
      'paths.content:/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      'paths.content:/sys/fs/cgroup/cpu/cpu.cfs_burst_us': '10000\n',
      'paths.content:/sys/fs/cgroup/cpuset/cpuset.cpus': '0\n',
      cpus: '0',
    },
    differences: [
      ...predates('runc', 'paths.content:/sys/fs/cgroup/cpu/cpu.cfs_burst_us'),
      ...predates('crun', 'paths.content:/sys/fs/cgroup/cpu/cpu.cfs_burst_us'),
    ],
  },
  {
    name: 'cpu-idle',
    section: 'config-linux.md#cpu',
    about: 'a cgroup that gets what nobody else wants',
    needs: ['cgroup-v1'],
    spec: (place) => limited(place, { cpu: { idle: 1 } }, [fileOf('cpu', 'cpu.idle')]),
    expect: { exit: 0, 'paths.content:/sys/fs/cgroup/cpu/cpu.idle': '1\n' },
    differences: predates('runc', 'paths.content:/sys/fs/cgroup/cpu/cpu.idle'),
  },
  {
    name: 'pids',
    section: 'config-linux.md#pids',
    about: 'the number of processes; cgroupsPath as the container sees it without a namespace',
    needs: ['cgroup-v1'],
    spec: (place) =>
      limited(place, { pids: { limit: 77 } }, [fileOf('pids', 'pids.max')], {
        namespaces: [{ type: 'pid' }, { type: 'network' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' }],
      }),
    expect: { exit: 0, 'paths.content:/sys/fs/cgroup/pids/pids.max': '77\n', 'cgroup.pids': '/onggi-conformance/c' },
  },
  {
    name: 'block-io',
    section: 'config-linux.md#block-io',
    about: 'bytes and operations a second of a disk',
    needs: ['cgroup-v1'],
    spec: (place) => {
      const limit = (rate: number) => [{ ...place.disk, rate }];
      return limited(
        place,
        {
          blockIO: {
            throttleReadBpsDevice: limit(1 << 20),
            throttleWriteBpsDevice: limit(2 << 20),
            throttleReadIOPSDevice: limit(300),
            throttleWriteIOPSDevice: limit(400),
          },
        },
        ['read_bps', 'write_bps', 'read_iops', 'write_iops'].map((name) =>
          fileOf('blkio', `blkio.throttle.${name}_device`),
        ),
      );
    },
    expect: {
      exit: 0,
      'paths.content:/sys/fs/cgroup/blkio/blkio.throttle.read_bps_device': `DISK ${1 << 20}\n`,
      'paths.content:/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device': `DISK ${2 << 20}\n`,
      'paths.content:/sys/fs/cgroup/blkio/blkio.throttle.read_iops_device': 'DISK 300\n',
      'paths.content:/sys/fs/cgroup/blkio/blkio.throttle.write_iops_device': 'DISK 400\n',
    },
  },
  {
    name: 'huge-pages',
    section: 'config-linux.md#huge-page-limits',
    about: 'a limit of huge pages',
    needs: ['cgroup-v1', 'hugetlb'],
    spec: (place) =>
      limited(place, { hugepageLimits: [{ pageSize: '2MB', limit: 4 << 20 }] }, [
        fileOf('hugetlb', 'hugetlb.2MB.limit_in_bytes'),
      ]),
    expect: { exit: 0, 'paths.content:/sys/fs/cgroup/hugetlb/hugetlb.2MB.limit_in_bytes': `${4 << 20}\n` },
  },
  {
    name: 'devices',
    section: 'config-linux.md#devices',
    about: 'the default nodes and further ones, with mode and owner',
    spec: () =>
      specOf({
        ask: [
          ...['null', 'zero', 'full', 'random', 'urandom', 'tty', 'ptmx', 'fd', 'stdin', 'core'].map(
            (name) => `stat:/dev/${name}`,
          ),
          ...['stat:/dev/further', 'stat:/dev/deep/block', 'stat:/dev/pipe', 'list:/dev'],
        ],
        linux: {
          devices: [
            { path: '/dev/further', type: 'c', major: 1, minor: 5, fileMode: 0o640, uid: 3, gid: 4 },
            { path: '/dev/deep/block', type: 'b', major: 7, minor: 9, fileMode: 0o600 },
            { path: '/dev/pipe', type: 'p', fileMode: 0o622 },
          ],
        },
      }),
    expect: {
      exit: 0,
      'paths.stat:/dev/null': 'character 0666 0:0 1:3',
      'paths.stat:/dev/tty': 'character 0666 0:0 5:0',
      'paths.stat:/dev/ptmx': 'link 0:0 pts/ptmx',
      'paths.stat:/dev/fd': 'link 0:0 /proc/self/fd',
      'paths.stat:/dev/further': 'character 0640 3:4 1:5',
      'paths.stat:/dev/deep/block': 'block 0600 0:0 7:9',
      'paths.stat:/dev/pipe': 'fifo 0622 0:0',
    },
    differences: [
      { runtime: 'runc', field: 'paths.stat:/dev/core', why: 'runc makes no /dev/core' },
      { runtime: 'runc', field: 'paths.list:/dev', why: 'runc makes no /dev/core' },
    ],
  },
  {
    name: 'device-rules',
    section: 'config-linux.md#allowed-device-list',
    about: 'what may be opened, in the order of the rules',
    spec: () =>
      specOf({
        ask: ['null', 'zero', 'kmsg', 'full', 'loop'].map((name) => `open:/dev/${name}`),
        linux: {
          devices: [
            { path: '/dev/kmsg', type: 'c', major: 1, minor: 11, fileMode: 0o666 },
            { path: '/dev/loop', type: 'b', major: 7, minor: 0, fileMode: 0o666 },
          ],
          resources: {
            devices: [
              { allow: false, access: 'rwm' },
              { allow: true, type: 'c', major: 1, minor: 11, access: 'r' },
              { allow: true, type: 'b', major: 7, minor: 0, access: 'rwm' },
              { allow: false, type: 'b', major: 7, minor: 0, access: 'w' },
            ],
          },
        },
      }),
    expect: {
      exit: 0,
      'paths.open:/dev/null': 'opened',
      'paths.open:/dev/zero': 'opened',
      'paths.open:/dev/kmsg': 'Operation not permitted',
      'paths.open:/dev/loop': 'Operation not permitted',
    },
  },
];

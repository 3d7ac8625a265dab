/** Flags of `run` that limit what a container uses. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { badSwitch, cgroupFile, type Row } from './row.ts';

/** A block device of this machine; its limits are set, never felt. */
const disk = `/dev/${readdirSync('/sys/block').find((name) => existsSync(`/dev/${name}`)) ?? 'none'}`;
const version1 = ['cgroup-v1'] as const;

export const limitRows: readonly Row[] = [
  {
    flag: 'blkio-weight',
    container: 'weight',
    needs: version1,
    words: ['--blkio-weight', '300'],
    inside: 'cat /sys/fs/cgroup/blkio/blkio*weight',
    shows: /^(300|10)\b/m,
    bad: [['--blkio-weight', '5'], /"5" for "--blkio-weight" flag: 5 is out of range, it must be between 10 and 1000/],
  },
  {
    flag: 'blkio-weight-device',
    // Only a disk with the BFQ scheduler has weights: that the kernel is asked for it has to do.
    tried: async (world) => {
      const plan = await world.ok(['run', '--explain', '--blkio-weight-device', `${disk}:200`, world.image, 'true']);
      assert.match(plan, /give block I\/O of the device \d+:\d+ the weight 200/);
    },
    bad: [['--blkio-weight-device', '/dev/x:5'], /invalid weight for device: \/dev\/x:5/],
  },
  {
    flag: 'cgroup-parent',
    words: ['--cgroup-parent', '/onggi-row/above'],
    outside: async (_, { id, pid }) => {
      assert.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), new RegExp(`/onggi-row/above/${id}$`, 'm'));
    },
    bad: [['--cgroup-parent', '/a/../b'], /"\/\/a\/..\/b\/container" is not a path of plain names/],
  },
  {
    flag: 'cpu-period',
    words: ['--cpu-period', '50000'],
    inside: cgroupFile('cpu/cpu.cfs_period_us', 'cpu.max'),
    shows: /(^| )50000$/,
    bad: [['--cpu-period', '999'], /CPU cfs period can not be less than 1ms \(i\.e\. 1000\) or larger than 1s/],
  },
  {
    flag: 'cpu-quota',
    words: ['--cpu-quota', '40000'],
    inside: cgroupFile('cpu/cpu.cfs_quota_us', 'cpu.max'),
    shows: /^40000/,
    bad: [['--cpu-quota', '999'], /CPU cfs quota can not be less than 1ms \(i\.e\. 1000\)/],
  },
  {
    flag: 'cpu-rt-period',
    container: 'real-time',
    needs: ['cgroup-v1', 'real-time'],
    words: ['--cpu-rt-period', '500000'],
    inside: 'cat /sys/fs/cgroup/cpu/cpu.rt_period_us',
    shows: /^500000$/,
    bad: [['--cpu-rt-period', '-1'], /-1 is out of range, it must be at least 0/],
  },
  {
    flag: 'cpu-rt-runtime',
    container: 'real-time',
    needs: ['cgroup-v1', 'real-time'],
    words: ['--cpu-rt-runtime', '5000'],
    inside: 'cat /sys/fs/cgroup/cpu/cpu.rt_runtime_us',
    shows: /^5000$/,
    bad: [
      ['--cpu-rt-runtime', '20', '--cpu-rt-period', '10'],
      /CPU real-time runtime can not be higher than CPU real-time period/,
    ],
  },
  {
    flag: 'cpu-shares',
    words: ['-c', '512'],
    inside: cgroupFile('cpu/cpu.shares', 'cpu.weight'),
    shows: /^(512|20|59)$/,
    bad: [['--cpu-shares', '-5'], /invalid argument "-5" for "-c, --cpu-shares" flag/],
  },
  {
    flag: 'cpus',
    container: 'second',
    words: ['--cpus', '0.5'],
    inside: cgroupFile('cpu/cpu.cfs_quota_us', 'cpu.max'),
    shows: /^50000\b/,
    bad: [['--cpus', '1', '--cpu-quota', '5000'], /Conflicting options: Nano CPUs and CPU Quota cannot both be set/],
  },
  {
    flag: 'cpuset-cpus',
    words: ['--cpuset-cpus', '0'],
    inside: 'grep Cpus_allowed_list /proc/self/status',
    shows: /\t0$/,
    bad: [['--cpuset-cpus', '4095'], /4095/],
  },
  {
    flag: 'cpuset-mems',
    words: ['--cpuset-mems', '0'],
    inside: 'grep Mems_allowed_list /proc/self/status',
    shows: /\t0$/,
    bad: [['--cpuset-mems', '900'], /900/],
  },
  {
    flag: 'device-read-bps',
    words: ['--device-read-bps', `${disk}:1mb`],
    inside: cgroupFile('blkio/blkio.throttle.read_bps_device', 'io.max'),
    shows: /^\d+:\d+ (1048576$|.*rbps=1048576)/m,
    bad: [['--device-read-bps', '/dev/x:1zb'], /invalid rate for device: \/dev\/x:1zb\. .* Unit is optional/],
  },
  {
    flag: 'device-read-iops',
    words: ['--device-read-iops', `${disk}:70`],
    inside: cgroupFile('blkio/blkio.throttle.read_iops_device', 'io.max'),
    shows: /^\d+:\d+ (70$|.*riops=70)/m,
    bad: [['--device-read-iops', '/dev/x:1mb'], /invalid rate for device: \/dev\/x:1mb/],
  },
  {
    flag: 'device-write-bps',
    words: ['--device-write-bps', `${disk}:2mb`],
    inside: cgroupFile('blkio/blkio.throttle.write_bps_device', 'io.max'),
    shows: /^\d+:\d+ (2097152$|.*wbps=2097152)/m,
    bad: [['--device-write-bps', 'x:1'], /bad format for device path: x:1/],
  },
  {
    flag: 'device-write-iops',
    words: ['--device-write-iops', `${disk}:80`],
    inside: cgroupFile('blkio/blkio.throttle.write_iops_device', 'io.max'),
    shows: /^\d+:\d+ (80$|.*wiops=80)/m,
    bad: [['--device-write-iops', '/dev/null:80'], /limit I\/O of "\/dev\/null": there is no block device/],
  },
  { flag: 'kernel-memory', refused: ['--kernel-memory', '4m'] },
  {
    flag: 'memory',
    words: ['-m', '64m'],
    inside: cgroupFile('memory/memory.limit_in_bytes', 'memory.max'),
    shows: /^67108864$/,
    bad: [['-m', '1m'], /Minimum memory limit allowed is 6MB/],
  },
  {
    flag: 'memory-reservation',
    words: ['--memory-reservation', '16m'],
    inside: cgroupFile('memory/memory.soft_limit_in_bytes', 'memory.low'),
    shows: /^16777216$/,
    bad: [['-m', '64m', '--memory-reservation', '65m'], /can not be less than memory reservation limit/],
  },
  {
    flag: 'memory-swap',
    container: 'swap',
    needs: ['cgroup-v1', 'swap-accounting'],
    words: ['-m', '64m', '--memory-swap', '96m'],
    inside: 'cat /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes',
    shows: /^100663296$/,
    bad: [['--memory-swap', '96m'], /You should always set the memory limit when using the memory and swap limit/],
  },
  {
    flag: 'memory-swappiness',
    container: 'swap',
    needs: ['cgroup-v1', 'swap-accounting'],
    words: ['--memory-swappiness', '13'],
    inside: 'cat /sys/fs/cgroup/memory/memory.swappiness',
    shows: /^13$/,
    bad: [['--memory-swappiness', '101'], /invalid value: 101\. Valid memory swappiness range is 0-100/],
  },
  {
    flag: 'oom-kill-disable',
    container: 'swap',
    needs: ['cgroup-v1', 'swap-accounting'],
    words: ['--oom-kill-disable'],
    inside: 'cat /sys/fs/cgroup/memory/memory.oom_control',
    shows: /^oom_kill_disable 1$/m,
    bad: badSwitch('oom-kill-disable'),
  },
  {
    flag: 'oom-score-adj',
    words: ['--oom-score-adj', '77'],
    inside: 'cat /proc/self/oom_score_adj',
    shows: /^77$/,
    bad: [['--oom-score-adj', '1001'], /1001 is out of range, it must be between -1000 and 1000/],
  },
  {
    flag: 'pids-limit',
    words: ['--pids-limit', '33'],
    inside: cgroupFile('pids/pids.max', 'pids.max'),
    shows: /^33$/,
    bad: [['--pids-limit', '1.5'], /invalid argument "1\.5" for "--pids-limit" flag/],
  },
  {
    flag: 'shm-size',
    words: ['--shm-size', '1m'],
    inside: 'df -k /dev/shm',
    shows: /\b1024\b/,
    bad: [['--shm-size', '1q'], /invalid argument "1q" for "--shm-size" flag/],
  },
  {
    flag: 'ulimit',
    // The later one counts.
    words: ['--ulimit', 'nofile=7:8', '--ulimit', 'nofile=100:200'],
    inside: 'grep "open files" /proc/self/limits',
    shows: /\b100 +200\b/,
    bad: [['--ulimit', 'nofile=5:4'], /ulimit soft limit must be less than or equal to hard limit: 5 > 4/],
  },
];

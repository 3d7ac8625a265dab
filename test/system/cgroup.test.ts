/**
 * The contract of cgroups, whatever the machine has: v1, v2 or both. The layout is detected, so the same file runs on
 * a hybrid machine, where v2 is hidden, and in the virtual machine with v2 alone.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeviceRule, Resources } from '../../src/oci/runtime-spec.ts';
import { directoriesOf } from '../../src/runtime/cgroup/cgroup.ts';
import { freezeCgroup, isFrozen, thawCgroup } from '../../src/runtime/cgroup/freeze.ts';
import { hierarchyPath, legacyMountPoint } from '../../src/runtime/cgroup/hierarchy.ts';
import { findCgroup, readCgroupLayout } from '../../src/runtime/cgroup/layout.ts';
import { cgroupExists, cgroupProcesses, killCgroup } from '../../src/runtime/cgroup/processes.ts';
import { removeCgroup, removeEmptyAbove } from '../../src/runtime/cgroup/remove.ts';
import { type CgroupStats, readCgroupStats } from '../../src/runtime/cgroup/stats.ts';
import { requires } from '../harness/requires.ts';
import type { Told } from './shim-container.ts';
import { cgroupsPath, runSpec, type SpecWish } from './spec-container.ts';

const layout = readCgroupLayout();
const unified = layout.mode === 'unified';
const cgroup = findCgroup(cgroupsPath);
const needs = requires('root');

/** A file of the container's cgroup on the host, by the names that the two versions have for it. */
function file(controller: string, legacy: string, current: string): string {
  const mountPoint = unified ? layout.unified?.mountPoint : legacyMountPoint(layout, controller);
  assert.ok(mountPoint !== undefined, `no hierarchy for "${controller}"`);
  return readFileSync(`${hierarchyPath(mountPoint, cgroupsPath)}/${unified ? current : legacy}`, 'utf8').trim();
}

/** Runs a container with these limits and calls `look` while it is created and nothing runs in it yet. */
async function limited(resources: Resources, look: () => void, args = ['true']): Promise<Told> {
  let looked = false;
  const told = await runSpec({ args, linux: { cgroupsPath, resources } }, (event) => {
    if (event.type !== 'status' || event.state !== 'created') return;
    look();
    looked = true;
  });
  assert.ok(looked, `never created: ${told.stderr}`);
  return told;
}

test(`this machine is "${layout.mode}", as its mounts say`, () => {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  assert.equal(layout.unified !== null, / - cgroup2 /.test(mounts));
  assert.equal(layout.legacy.length > 0, / - cgroup \S+ \S*(?:memory|cpu)/.test(mounts));
});

test('the container is in its cgroups, in all of them', needs, async () => {
  const told = await limited({}, () => {
    assert.ok(cgroupExists(cgroup));
    assert.equal(cgroupProcesses(cgroup).length, 1);
    for (const directory of directoriesOf(cgroup)) {
      assert.notEqual(readFileSync(`${directory}/cgroup.procs`, 'utf8'), '', directory);
    }
  }, ['cat', '/proc/self/cgroup']);
  // Its own cgroups are the roots of what it sees.
  for (const line of told.stdout.trim().split('\n')) assert.match(line, /^\d+:[^:]*:\/$/);
  assert.equal(cgroupExists(cgroup), false);
});

test('memory: the limit is set, and who exceeds it is killed and told so', needs, async () => {
  const limit = 32 << 20;
  const told = await limited({ memory: { limit, ...(layout.swap && { swap: limit }) } }, () => {
    assert.equal(file('memory', 'memory.limit_in_bytes', 'memory.max'), String(limit));
    if (layout.swap)
      assert.equal(file('memory', 'memory.memsw.limit_in_bytes', 'memory.swap.max'), unified ? '0' : String(limit));
  }, ['onggi-probe', 'memory', String(128 << 20)]);
  assert.equal(told.exit.signal, 9);
  assert.equal(told.exit.oom, 'cgroup');
  assert.doesNotMatch(told.stdout, /touched/);
});

test('memory: who stays below its limit lives', needs, async () => {
  const told = await limited({ memory: { limit: 64 << 20, reservation: 16 << 20 } }, () => {
    assert.equal(file('memory', 'memory.soft_limit_in_bytes', 'memory.low'), String(16 << 20));
  });
  assert.equal(told.exit.exitCode, 0);
  assert.equal(told.exit.oom, null);
});

test('cpu: quota, period and shares', needs, async () => {
  await limited({ cpu: { quota: 20_000, period: 50_000, shares: 512 } }, () => {
    assert.equal(
      unified ? file('cpu', '', 'cpu.max') : file('cpu', 'cpu.cfs_quota_us', ''),
      unified ? '20000 50000' : '20000',
    );
    if (!unified) assert.equal(file('cpu', 'cpu.cfs_period_us', ''), '50000');
    assert.equal(file('cpu', 'cpu.shares', 'cpu.weight'), unified ? '59' : '512');
  });
});

test('cpu: a quota of a fifth of a CPU holds', needs, async () => {
  const told = await limited({ cpu: { quota: 20_000, period: 100_000 } }, () => {}, ['onggi-probe', 'burn', '1.5']);
  const burned = Number(/burned (\d+)/.exec(told.stdout)?.[1]);
  assert.ok(burned > 100 && burned < 700, `burned ${burned} ms of 1500`);
});

test('cpuset', requires('root', 'two-cpus'), async () => {
  const told = await limited({ cpu: { cpus: '1', mems: '0' } }, () => {
    assert.equal(file('cpuset', 'cpuset.cpus', 'cpuset.cpus'), '1');
  }, ['grep', 'Cpus_allowed_list', '/proc/self/status']);
  assert.match(told.stdout, /:\s*1$/m);
});

test('pids: no more processes than allowed', needs, async () => {
  const told = await limited({ pids: { limit: 10 } }, () => {
    assert.equal(file('pids', 'pids.max', 'pids.max'), '10');
  }, ['onggi-probe', 'fork', '20']);
  assert.match(told.stdout, /^forked 9: Resource temporarily unavailable/);
});

test('block I/O: throttling of a disk', needs, async () => {
  const [disk] = readdirSync('/sys/block').filter((name) => !/^(?:loop|ram|sr|zram|dm-)/.test(name));
  assert.ok(disk !== undefined, 'this machine has no disk');
  const [major, minor] = readFileSync(`/sys/block/${disk}/dev`, 'utf8').trim().split(':').map(Number);
  assert.ok(major !== undefined && minor !== undefined);
  const device = { major, minor };
  await limited(
    {
      blockIO: {
        throttleReadBpsDevice: [{ ...device, rate: 1 << 20 }],
        throttleWriteIOPSDevice: [{ ...device, rate: 100 }],
      },
    },
    () => {
      if (unified) {
        assert.equal(file('io', '', 'io.max'), `${major}:${minor} rbps=1048576 wbps=max riops=max wiops=100`);
        return;
      }
      assert.equal(file('blkio', 'blkio.throttle.read_bps_device', ''), `${major}:${minor} 1048576`);
      assert.equal(file('blkio', 'blkio.throttle.write_iops_device', ''), `${major}:${minor} 100`);
    },
  );
});

test('huge pages', requires('root', 'hugetlb'), async () => {
  await limited({ hugepageLimits: [{ pageSize: '2MB', limit: 4 << 20 }] }, () => {
    assert.equal(file('hugetlb', 'hugetlb.2MB.limit_in_bytes', 'hugetlb.2MB.max'), String(4 << 20));
  });
});

/** Makes a node of the device and opens it for reading and for writing. */
async function tryDevice(devices: readonly DeviceRule[], major: number, minor: number): Promise<string> {
  const script = `mknod /dev/x c ${major} ${minor} || echo no node; (: </dev/x) || echo no read; (: >/dev/x) || echo no write`;
  const told = await limited({ devices }, () => {}, ['sh', '-c', `${script} 2>&1`]);
  return told.stdout.replace(/^sh: .*\n/gm, '');
}

test('devices: the usual ones work, others can be made but not opened', needs, async () => {
  const usual = await limited({ devices: [{ allow: false, access: 'rwm' }] }, () => {}, [
    ...[
      'sh',
      '-c',
      'head -c 5 /dev/zero | wc -c; echo x >/dev/null && head -c 1 /dev/urandom | wc -c; : </dev/full && echo ok',
    ],
  ]);
  assert.equal(usual.stdout.replace(/\s+/g, ' '), '5 1 ok ', usual.stderr);
  // /dev/kmsg
  assert.equal(await tryDevice([{ allow: false, access: 'rwm' }], 1, 11), 'no read\nno write\n');
});

test('devices: a rule opens one, by its letters', needs, async () => {
  const rules = [
    { allow: false, access: 'rwm' },
    { allow: true, type: 'c', major: 1, minor: 11, access: 'r' },
  ];
  assert.equal(await tryDevice(rules, 1, 11), 'no write\n');
  assert.equal(await tryDevice([{ allow: true, access: 'rwm' }], 1, 11), '');
});

/** A container that counts; `act` is called while it does. */
async function counting(act: (count: () => number) => Promise<void>, more: Partial<SpecWish> = {}): Promise<Told> {
  let output = '';
  const script = 'i=0; while :; do i=$((i+1)); echo $i; usleep 2000; done';
  let acting = false;
  let done: Promise<void> | undefined;
  const told = await runSpec({ args: ['sh', '-c', script], ...more }, (event) => {
    if (event.type === 'output') output += Buffer.from(event.bytes).toString();
    const count = (): number => Number(output.trim().split('\n').at(-1));
    if (acting || !(count() > 5)) return;
    acting = true;
    // Not awaited here: the output that `act` looks at comes through this very function.
    done = act(count);
  });
  await done;
  assert.ok(acting, `it never counted: ${told.stderr}`);
  return told;
}

test('freeze stops every process, thaw lets them go on, both may be said twice', needs, async () => {
  const seen: number[] = [];
  await counting(async (count) => {
    await freezeCgroup(cgroup);
    await freezeCgroup(cgroup);
    await sleep(50);
    seen.push(count());
    await sleep(200);
    seen.push(count());
    assert.equal(isFrozen(cgroup), true);
    await thawCgroup(cgroup);
    await thawCgroup(cgroup);
    assert.equal(isFrozen(cgroup), false);
    await sleep(200);
    seen.push(count());
    await killCgroup(cgroup);
  });
  const [frozen = 0, still = 0, thawed = 0] = seen;
  assert.equal(still, frozen, 'it went on while frozen');
  assert.ok(thawed > still, 'it did not go on after thaw');
});

test('kill ends a frozen container, and one that forks', needs, async () => {
  const told = await counting(async () => {
    await freezeCgroup(cgroup);
    await killCgroup(cgroup);
    assert.deepEqual(cgroupProcesses(cgroup), []);
    await killCgroup(cgroup);
  });
  assert.equal(told.exit.signal, 9);
  const bomb = 'while :; do sleep 100 & done';
  const forks = await counting(
    async () => {
      await killCgroup(cgroup);
      assert.deepEqual(cgroupProcesses(cgroup), []);
    },
    {
      args: ['sh', '-c', `i=0; while [ $i -lt 9 ]; do i=$((i+1)); echo $i; usleep 5000; done; ${bomb}`],
      linux: { cgroupsPath, resources: { pids: { limit: 200 } } },
    },
  );
  assert.equal(forks.exit.signal, 9);
});

test('statistics: memory, time, processes', needs, async () => {
  let stats: CgroupStats | undefined;
  await counting(
    async () => {
      stats = readCgroupStats(cgroup);
      await killCgroup(cgroup);
    },
    { linux: { cgroupsPath, resources: { memory: { limit: 64 << 20 }, pids: { limit: 77 } } } },
  );
  assert.ok(stats !== undefined);
  const { memory, cpu, pids } = stats;
  assert.equal(memory.usage.limit, 64 << 20);
  assert.ok(Number(memory.usage.usage) > 0 && Number(memory.usage.usage) < 64 << 20);
  assert.ok(Number(cpu.usage.total) > 0 && Number(cpu.usage.total) < 5e9, `cpu ${cpu.usage.total}`);
  assert.equal(pids.limit, 77);
  assert.ok(Number(pids.current) >= 1 && Number(pids.current) <= 3);
  assert.equal(cpu.psi !== undefined, unified);
  assert.throws(() => readCgroupStats(cgroup), { code: 'not-found' });
});

test('remove takes what the container made below, kills what is left, and may be said twice', needs, async () => {
  await counting(
    async () => {
      const made = directoriesOf(cgroup).filter((directory) => existsSync(`${directory}/a/b`));
      assert.equal(made.length, 1);
      await removeCgroup(cgroup);
      await removeCgroup(cgroup);
      assert.equal(cgroupExists(cgroup), false);
      const parent = findCgroup(cgroupsPath.slice(0, cgroupsPath.lastIndexOf('/')));
      assert.equal(cgroupExists(parent), true);
      removeEmptyAbove(cgroup, 1);
      assert.equal(cgroupExists(parent), false);
    },
    {
      args: [
        ...['sh', '-c'],
        // The first of its own cgroups, with a process of its own in it.
        'cd /sys/fs/cgroup; [ -e cgroup.procs ] || cd "$(ls -d * | head -n 1)"; mkdir -p a/b; sleep 100 & ' +
          'i=0; while :; do i=$((i+1)); echo $i; usleep 2000; done',
      ],
      spec: {
        mounts: [
          { destination: '/proc', type: 'proc' },
          { destination: '/sys/fs/cgroup', type: 'cgroup', options: ['rw'] },
        ],
      },
    },
  );
});

test('a limit that the machine can not keep fails before anything runs', needs, async () => {
  const limited = (resources: Resources): Promise<Told> =>
    runSpec({ args: ['echo', 'ran'], linux: { cgroupsPath, resources } });
  await assert.rejects(limited({ memory: { useHierarchy: false } }), { code: 'unsupported' });
  // The kernel's own answer is a bare ERANGE.
  await assert.rejects(limited({ cpu: { cpus: '0,4000' } }), (error: Error & { hint?: string }) => {
    assert.match(error.message, /cpu\.cpus: "0,4000" asks for CPUs that are not there/);
    assert.match(error.hint ?? '', /^This machine offers "0/);
    return true;
  });
  const told = await limited({ memory: { limit: 64 << 20 }, pids: { limit: 1e15 } });
  assert.equal(told.stdout, '');
  assert.match(told.fail().text, /limit the number of processes to 1000000000000000: write "1000000000000000"/);
  assert.ok(!existsSync(directoriesOf(cgroup)[0] ?? ''));
});

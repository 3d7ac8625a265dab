/** Limits at work: what reaches one is stopped inside its container, and nobody outside notices. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { eventually } from '../harness/program.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import { detached, inspect, linesOf, shell } from './container-view.ts';

const quiet = ['run', '--rm', '--network', 'none'];
const MiB = 1 << 20;

/** Reads a setting of its own cgroup from inside, by its name in v1 (with controller) or v2. */
async function setting(world: World, flags: readonly string[], legacy: string, unified: string): Promise<string> {
  return await shell(world, flags, `cd /sys/fs/cgroup; cat ${legacy} 2>/dev/null || cat ${unified}`);
}

systemTest('a memory hog is killed at its limit, its neighbour lives', ['busybox'], async (world) => {
  const neighbour = await detached(world, ['-m', '32m'], ['onggi-probe', 'memory', String(8 * MiB)]);
  const hog = ['--name', 'hog', '--network', 'none', '-m', '32m', '--memory-swap', '32m'];
  const outcome = await world.onggi(['run', ...hog, world.image, 'onggi-probe', 'memory', String(512 * MiB)]);
  assert.deepEqual([outcome.status, outcome.stdout], [137, '']);
  const { State } = await inspect(world, 'hog');
  assert.deepEqual([State.Status, State.ExitCode, State.OOMKilled], ['exited', 137, true]);
  assert.deepEqual(linesOf(await world.ok(['why', 'hog'])), [
    'It was killed by SIGKILL (exit status 137).',
    "The kernel's OOM killer struck inside it: its own memory limit of 33554432 bytes was reached.",
  ]);
  const { State: other } = await inspect(world, neighbour);
  assert.deepEqual([other.Running, other.OOMKilled], [true, false]);
  assert.equal(await world.ok(['logs', neighbour]), `touched ${8 * MiB}`);
});

systemTest('the limit holds for what exec starts, too, which is told at once', ['busybox'], async (world) => {
  const flags = ['--name', 'before', '-m', '32m', '--memory-swap', '32m', '--label', 'a=b'];
  const id = await detached(world, flags, ['onggi-probe', 'sleep']);
  await world.ok(['rename', id, 'after']);
  // The kernel takes the largest process, which is the new one.
  const hog = await world.onggi(['exec', id, 'onggi-probe', 'memory', String(200 * MiB)]);
  assert.deepEqual([hog.status, hog.stdout], [137, '']);
  const { State } = await inspect(world, id);
  assert.deepEqual([State.Running, State.OOMKilled], [true, true]);
  const format = ['--format', '{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.a}}'];
  const told = async () =>
    linesOf(await world.ok(['events', '--since', '1h', '--until', '0s', '-f', 'type=container', ...format]));
  await eventually('it is told', async () => (await told()).includes('oom after b'));
  await world.ok(['kill', id]);
  // No word of it a second time. On v1 there is one for each time that the limit is hit, and which comes before the end
  // of the exec or after it nobody knows.
  assert.deepEqual((await told()).slice(-2), ['kill after b', 'die after b']);
  await world.ok(['start', id]);
  assert.equal((await inspect(world, id)).State.OOMKilled, false);
});

systemTest(
  'a child that is killed for memory leaves the container running, and the record tells',
  ['busybox'],
  async (world) => {
    const line = `onggi-probe memory ${200 * MiB}; echo "child $?"; exit 3`;
    const args = ['run', '--name', 'parent', '--network', 'none', '-m', '32m', '--memory-swap', '32m'];
    const { status, stdout } = await world.onggi([...args, world.image, 'sh', '-c', line]);
    assert.deepEqual([status, stdout], [3, 'child 137\n']);
    const { State } = await inspect(world, 'parent');
    assert.deepEqual([State.ExitCode, State.OOMKilled], [3, true]);
    assert.match(await world.ok(['why', 'parent']), /exit status 3\.\nThe kernel's OOM killer struck inside it/);
  },
);

systemTest('page cache is no reason to kill', ['busybox'], async (world) => {
  const line = 'dd if=/dev/zero of=/big bs=1M count=100 2>/dev/null && stat -c %s /big';
  assert.equal(await shell(world, ['-m', '32m'], line), String(100 * MiB));
});

systemTest('memory settings reach the kernel', ['busybox'], async (world) => {
  const limit = ['memory/memory.limit_in_bytes', 'memory.max'] as const;
  assert.equal(await setting(world, ['-m', '64m'], ...limit), String(64 * MiB));
  assert.equal(await setting(world, ['-m', '67108864'], ...limit), String(64 * MiB));
  assert.equal(await setting(world, ['--memory', '0.0625g'], ...limit), String(64 * MiB));
  const reserved = ['-m', '64m', '--memory-reservation', '16m'];
  assert.equal(await setting(world, reserved, 'memory/memory.soft_limit_in_bytes', 'memory.low'), String(16 * MiB));
});

systemTest(
  'swap: as much as memory, another amount, none, any',
  ['busybox', 'cgroup-v1', 'swap-accounting'],
  async (world) => {
    const swap = (...flags: string[]) =>
      shell(world, ['-m', '64m', ...flags], 'cat /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes');
    assert.equal(await swap(), String(128 * MiB));
    assert.equal(await swap('--memory-swap', '96m'), String(96 * MiB));
    assert.equal(await swap('--memory-swap', '64m'), String(64 * MiB));
    assert.ok(BigInt(await swap('--memory-swap', '-1')) > 1n << 60n);
  },
);

systemTest('CPU time is cut', ['busybox'], async (world) => {
  const burned = async (...flags: string[]) => {
    const found = /^burned (\d+)$/.exec(await world.ok([...quiet, ...flags, world.image, 'onggi-probe', 'burn', '1']));
    return Number(found?.[1]);
  };
  // A fifth of a second's 1000 ms, and one period of 100 ms at each end.
  assert.ok((await burned('--cpus', '0.2')) <= 240);
  assert.match(await setting(world, ['--cpus', '1.5'], 'cpu/cpu.cfs_quota_us', 'cpu.max'), /^150000/);
  assert.match(await setting(world, ['--cpus', '.01'], 'cpu/cpu.cfs_quota_us', 'cpu.max'), /^1000/);
});

systemTest('shares and weights reach the kernel', ['busybox', 'cgroup-v1'], async (world) => {
  assert.equal(await setting(world, ['-c', '512'], 'cpu/cpu.shares', 'cpu.weight'), '512');
  assert.match(await shell(world, ['--blkio-weight', '300'], 'cat /sys/fs/cgroup/blkio/blkio*weight'), /^(300|10)\b/m);
});

systemTest('the number of processes is limited, a fork bomb goes out', ['busybox'], async (world) => {
  const limited = [...quiet, '--pids-limit', '20'];
  const { status, stdout } = await world.onggi([...limited, world.image, 'onggi-probe', 'fork', '100']);
  assert.deepEqual([status, stdout], [1, 'forked 19: Resource temporarily unavailable\n']);
  assert.equal(await world.ok([...quiet, world.image, 'onggi-probe', 'fork', '100']), 'forked 100');
  assert.equal(
    await world.ok([...quiet, '--pids-limit', '-1', world.image, 'onggi-probe', 'fork', '100']),
    'forked 100',
  );
  const id = await detached(world, ['--init', '--pids-limit', '30'], ['onggi-probe', 'sleep']);
  const { State } = await inspect(world, id);
  await world.ok(['exec', '-d', id, 'sh', '-c', 'b() { b | b & }; b']);
  await eventually('the bomb has met its limit', () => /^max [1-9]/m.test(pidsFile(State.Pid, 'pids.events')));
  // What can't fork ends, so the bomb goes out.
  const taken = (count: string) => eventually(count, () => pidsFile(State.Pid, 'pids.current').trim() === count);
  await taken('2');
  await world.ok(['rm', '-f', id]);
});

systemTest('without room for one more process exec says so', ['busybox'], async (world) => {
  const line = 'i=0; while [ $i -lt 9 ]; do sleep 1000 & i=$((i+1)); done; echo full; wait';
  const id = await detached(world, ['--pids-limit', '10'], ['sh', '-c', line]);
  await eventually('it is full', async () => (await world.ok(['logs', id])) === 'full');
  const { status, stderr } = await world.onggi(['exec', id, 'true']);
  assert.equal(status, 126);
  assert.match(stderr, /^onggi: exec: .*: resource temporarily unavailable\n/);
  assert.equal((await inspect(world, id)).State.Running, true);
});

/** A file of the cgroup that limits the number of processes of a process, whatever the version. */
function pidsFile(pid: number, name: string): string {
  const lines = linesOf(readFileSync(`/proc/${pid}/cgroup`, 'utf8')).map((line) => line.split(':'));
  const legacy = lines.find(([, controllers]) => controllers === 'pids');
  const path = legacy === undefined ? (lines.find(([number]) => number === '0')?.[2] ?? '') : `/pids${legacy[2]}`;
  return readFileSync(`/sys/fs/cgroup${path}/${name}`, 'utf8');
}

systemTest('CPUs are chosen', ['busybox', 'two-cpus'], async (world) => {
  const allowed = (cpus: string) =>
    shell(world, ['--cpuset-cpus', cpus], "sed -n 's/Cpus_allowed_list:\\t//p' /proc/self/status");
  assert.equal(await allowed('1'), '1');
  assert.equal(await allowed('0-1'), '0-1');
  assert.equal(await allowed('0,1'), '0-1');
  assert.equal(
    await shell(world, ['--cpuset-mems', '0'], "sed -n 's/Mems_allowed_list:\\t//p' /proc/self/status"),
    '0',
  );
});

systemTest(
  'limits that make no sense are refused, and nothing is left of the container',
  ['busybox'],
  async (world) => {
    for (const [flags, message] of [
      [['-m', 'abc'], /^onggi: invalid argument "abc" for "-m, --memory" flag: invalid size: 'abc'\n/],
      [['-m', '-64m'], /invalid size: '-64m'/],
      [['-m', '64x'], /invalid suffix: 'x'/],
      [['-m', '64m', '--memory-swap', '-2'], /invalid size: '-2'/],
      [['-m', '99999999999999999999g'], /99999999999999999999g/],
      [['-m', '1m'], /^onggi: Minimum memory limit allowed is 6MB/],
      [['-m', '6291455'], /^onggi: Minimum memory limit allowed is 6MB/],
      [['-m', '64m', '--memory-swap', '32m'], /Minimum memoryswap limit should be larger than memory limit/],
      [['--memory-swap', '32m'], /You should always set the memory limit when using/],
      [['-m', '64m', '--memory-reservation', '128m'], /can not be less than memory reservation limit/],
      [['--cpus', 'abc'], /^onggi: invalid argument "abc" for "--cpus" flag/],
      [['--cpus', '-1'], /-1/],
      [['--cpus', '1000'], /^onggi: Range of CPUs is from 0\.01 to [0-9]+\.00/],
      [['--cpus', '0.001'], /^onggi: Range of CPUs is from 0\.01 to/],
      [['--pids-limit', 'abc'], /^onggi: invalid argument "abc" for "--pids-limit" flag/],
      [['--cpu-shares', '-5'], /-5/],
      [['--blkio-weight', '5'], /5 is out of range, it must be between 10 and 1000/],
      [['--cpuset-cpus', '4095'], /4095/],
      [['--cpuset-cpus', '1-0'], /1-0/],
      [['--cpuset-cpus', '0;1'], /0;1/],
      [['--cpuset-mems', '900'], /900/],
    ] as const) {
      const outcome = await world.onggi([...quiet, ...flags, world.image, 'true']);
      assert.equal(outcome.status, 125, `${flags.join(' ')}: ${outcome.stderr}`);
      assert.match(outcome.stderr, message, flags.join(' '));
    }
    assert.equal(await world.ok(['ps', '-aq']), '');
  },
);

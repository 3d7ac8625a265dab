/** Limits as `onggi run` asks for them, on a machine that has cgroup v2 only (boot.ts). */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Spec } from '../../src/oci/runtime-spec.ts';
import { eventually } from '../harness/program.ts';
import { runtimeTest } from '../harness/runtime-test.ts';
import { systemTest, type World } from '../harness/system-test.ts';

/** A file of the container's own cgroup, as the container sees it: its cgroup is the root of its cgroup namespace. */
async function cgroupFile(world: World, name: string, ...flags: string[]): Promise<string> {
  const command = ['cat', `/sys/fs/cgroup/${name}`];
  return (await world.ok(['run', '--rm', '--network', 'none', ...flags, world.image, ...command])).trim();
}

systemTest('v2: this machine has no hierarchy of version 1', ['cgroup-v2'], async () => {
  assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), / - cgroup /);
});

systemTest('v2: a memory hog is killed at its limit, and why says so', ['cgroup-v2'], async (world) => {
  const hog = ['sh', '-c', 'echo starting; tail /dev/zero'];
  const limits = ['-m', '32m', '--memory-swap', '32m'];
  const outcome = await world.onggi(['run', '--name', 'hog', '--network', 'none', ...limits, world.image, ...hog]);
  assert.equal(outcome.status, 137, outcome.stderr);
  assert.equal(outcome.stdout, 'starting\n');
  assert.match(await world.ok(['why', 'hog']), /its own memory limit/);
  const state: unknown = JSON.parse(await world.ok(['inspect', '--format', '{{json .State.OOMKilled}}', 'hog']));
  assert.equal(state, true);
});

systemTest('v2: a process that is killed for want of memory is told of once, at once', ['cgroup-v2'], async (world) => {
  const parent = ['sh', '-c', 'tail /dev/zero; sleep 1000'];
  const limits = ['-m', '32m', '--memory-swap', '32m'];
  await world.ok(['run', '-d', '--name', 'parent', '--network', 'none', ...limits, world.image, ...parent]);
  const flags = ['--since', '1h', '--until', '0s', '-f', 'container=parent', '--format', '{{.Action}}'];
  const told = async () => (await world.ok(['events', ...flags])).split('\n').slice(2);
  await eventually('it is told', async () => (await told()).length > 0);
  assert.equal(
    await world.ok(['inspect', '--format', '{{.State.Status}} {{.State.OOMKilled}}', 'parent']),
    'running true',
  );
  await world.ok(['kill', 'parent']);
  assert.deepEqual(await told(), ['oom', 'kill', 'die']);
});

systemTest('v2: memory and swap limits', ['cgroup-v2'], async (world) => {
  assert.equal(await cgroupFile(world, 'memory.max', '-m', '32m'), String(32 << 20));
  // Docker counts memory and swap together, the kernel apart.
  assert.equal(await cgroupFile(world, 'memory.swap.max', '-m', '32m', '--memory-swap', '48m'), String(16 << 20));
  assert.equal(await cgroupFile(world, 'memory.low', '--memory-reservation', '16m'), String(16 << 20));
});

systemTest('v2: cpu quota and weight', ['cgroup-v2'], async (world) => {
  assert.equal(await cgroupFile(world, 'cpu.max', '--cpus', '0.5'), '50000 100000');
  const weight = Number(await cgroupFile(world, 'cpu.weight', '--cpu-shares', '2048'));
  assert.ok(weight > 1 && weight < 10000, `cpu.weight ${weight}`);
  const light = Number(await cgroupFile(world, 'cpu.weight', '--cpu-shares', '512'));
  assert.ok(light < weight, `512 shares weigh ${light}, 2048 weigh ${weight}`);
});

systemTest('v2: a quota of half a CPU holds', ['cgroup-v2'], async (world) => {
  const spin = 'timeout 2 sh -c "while :; do :; done"; cat /sys/fs/cgroup/cpu.stat';
  const printed = await world.ok(['run', '--rm', '--network', 'none', '--cpus', '0.5', world.image, 'sh', '-c', spin]);
  const value = (name: string): number => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(printed)?.[1]);
  // By periods of 100 ms and not by a clock: on a busy machine 2 s may take long.
  const [used, periods] = [value('usage_usec'), value('nr_periods')];
  assert.ok(used > 20_000 && used < (periods + 2) * 65_000, `used ${used} microseconds in ${periods} periods`);
  assert.match(printed, /^nr_throttled [1-9]/m);
});

systemTest('v2: no more processes than allowed', ['cgroup-v2'], async (world) => {
  assert.equal(await cgroupFile(world, 'pids.max', '--pids-limit', '20'), '20');
  const fork = 'for i in $(seq 40); do sleep 5 & done; cat /sys/fs/cgroup/pids.current';
  const outcome = await world.onggi([
    ...['run', '--rm', '--network', 'none', '--pids-limit', '20', world.image, 'sh', '-c', fork],
  ]);
  assert.match(outcome.stderr, /fork|Resource temporarily unavailable/);
});

systemTest('v2: cpuset', ['cgroup-v2', 'two-cpus'], async (world) => {
  assert.equal(await cgroupFile(world, 'cpuset.cpus.effective', '--cpuset-cpus', '1'), '1');
});

systemTest('v2: io weight', ['cgroup-v2'], async (world) => {
  const weight = await cgroupFile(world, 'io.weight', '--blkio-weight', '500');
  assert.match(weight, /^default \d+$/);
  assert.notEqual(weight, 'default 100');
});

systemTest('v2: devices are refused by the BPF program, the usual ones work', ['cgroup-v2'], async (world) => {
  const command = [
    'mknod /tmp/disk b 254 0 && head -c 1 /tmp/disk >/dev/null; echo "disk $?"',
    'head -c 4 /dev/zero >/dev/null; echo "zero $?"',
    'echo x >/dev/null; echo "null $?"',
  ].join('; ');
  const run = ['run', '--rm', '--network', 'none', world.image, 'sh', '-c', command];
  const printed = await world.ok(run);
  assert.match(printed, /^disk [1-9]/m);
  assert.match(printed, /^zero 0$/m);
  assert.match(printed, /^null 0$/m);
  // The judge is judged: without the rules the same device opens.
  assert.match(await world.ok([...run.slice(0, 2), '--privileged', ...run.slice(2)]), /^disk 0$/m);
});

systemTest('v2: the container sees its own cgroup as the root, read-only', ['cgroup-v2'], async (world) => {
  const command = 'cat /proc/self/cgroup; mkdir /sys/fs/cgroup/mine 2>&1; echo "status $?"';
  const printed = await world.ok(['run', '--rm', '--network', 'none', world.image, 'sh', '-c', command]);
  assert.match(printed, /^0::\/$/m);
  assert.match(printed, /status 1/);
});

systemTest('v2: kill -9 of the shim leaves nothing once the container is removed', ['cgroup-v2'], async (world) => {
  const id = await world.ok(['run', '-d', '--network', 'none', world.image, 'sleep', '1000']);
  const pid = Number(await world.ok(['inspect', '--format', '{{.State.Pid}}', id]));
  const shim = Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  assert.ok(shim > 1, `parent of ${pid} is ${shim}`);
  process.kill(shim, 'SIGKILL');
  await world.ok(['rm', '-f', id]);
  assert.ok(!existsSync(join('/proc', String(pid))), `process ${pid} is still there`);
});

systemTest('v2: crun makes the container, the shim keeps it', ['cgroup-v2', 'crun'], async (world) => {
  const script = 'trap "exit 5" TERM; echo up; while :; do sleep 0.1; done';
  const flags = ['--runtime', 'crun', '--network', 'none', '-m', '32m', '--memory-swap', '32m', '--pids-limit', '40'];
  await world.ok(['run', '-d', '--name', 'one', ...flags, world.image, 'sh', '-c', script]);
  const seen = 'cat /proc/1/cgroup /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max; tail /dev/zero';
  const inside = await world.onggi(['exec', 'one', 'sh', '-c', seen]);
  assert.deepEqual([inside.status, inside.stdout], [137, `0::/\n${32 << 20}\n40\n`], inside.stderr);
  await eventually('up', async () => (await world.ok(['logs', 'one'])) === 'up');
  await world.ok(['pause', 'one']);
  const state = ['inspect', '--format', '{{.State.Status}} {{.State.OOMKilled}} {{.State.ExitCode}} {{.State.Pid}}'];
  const [status, killed, , pid] = (await world.ok([...state, 'one'])).split(' ');
  assert.deepEqual([status, killed], ['paused', 'true']);
  const parent = /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  assert.equal(readFileSync(`/proc/${parent}/comm`, 'utf8'), 'onggi-shim\n');
  const group = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().replace('0::', '/sys/fs/cgroup');
  await world.ok(['unpause', 'one']);
  await world.ok(['stop', 'one']);
  assert.equal(await world.ok([...state, 'one']), 'exited true 5 0');
  assert.equal(existsSync(group), false, group);
  await world.ok(['rm', 'one']);
});

systemTest('v2: a container on the bridge reaches its gateway', ['cgroup-v2', 'bridge', 'veth'], async (world) => {
  const command = 'ping -c 1 -W 5 $(ip route | sed -n "s/^default via \\([0-9.]*\\).*/\\1/p")';
  assert.match(await world.ok(['run', '--rm', world.image, 'sh', '-c', command]), / 0% packet loss/);
});

runtimeTest('v2: a container below threaded cgroups is refused, and leaves nothing', ['cgroup-v2'], async (world) => {
  const parent = '/sys/fs/cgroup/onggi-threads';
  mkdirSync(`${parent}/threads`, { recursive: true });
  try {
    writeFileSync(`${parent}/threads/cgroup.type`, 'threaded');
    const edit = (spec: Spec): Spec => ({ ...spec, linux: { ...spec.linux, cgroupsPath: '/onggi-threads/threads/c' } });
    const bundle = world.bundle({ args: ['true'], edit });
    const { status, stderr } = await world.runtime(['run', '--bundle', bundle, 'onggi-c']);
    assert.equal(status, 1);
    assert.match(stderr, /to "\/sys\/fs\/cgroup\/onggi-threads\/cgroup.subtree_control": operation not supported/);
    assert.equal(existsSync(`${parent}/threads/c`), false);
  } finally {
    rmdirSync(`${parent}/threads`);
    rmdirSync(parent);
  }
});

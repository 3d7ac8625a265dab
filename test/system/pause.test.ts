/** `pause`, `unpause`, and what becomes of a paused container; `update`, `top`, `stats` beside them, in one container. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { eventually, pause } from '../harness/program.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import { detached, inspect } from './container-view.ts';

/** Whether the ticks that a process has had still grow: field 14 of stat. */
function ticks(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[13]);
}

async function refused(world: World, args: readonly string[], says: RegExp): Promise<void> {
  const { status, stderr } = await world.onggi(args);
  assert.match(stderr, says, args.join(' '));
  assert.equal(status, 1, args.join(' '));
}

systemTest('a paused container stands still, and is ended as well as another', ['busybox'], async (world) => {
  const words = ['--name', 'busy', '--stop-timeout', '60'];
  const id = await detached(world, words, ['sh', '-c', "trap 'exit 5' TERM; while :; do :; done"]);
  const { State } = await inspect(world, id);
  await eventually('it works', () => ticks(State.Pid) > 0);
  assert.equal(await world.ok(['pause', 'busy']), 'busy');
  const stood = ticks(State.Pid);
  await refused(world, ['pause', 'busy'], /Container busy is already paused/);
  await refused(world, ['exec', 'busy', 'true'], /cannot exec in container "busy": it is paused\nUnpause it with/);
  await refused(world, ['rm', 'busy'], /container is paused and must be unpaused first/);
  await refused(world, ['start', 'busy'], /cannot start a paused container, try unpause instead/);
  assert.equal(await world.ok(['ps', '--filter', 'status=paused', '--format', '{{.Names}} {{.State}}']), 'busy paused');
  assert.match(await world.ok(['ps', '--format', '{{.Status}}']), /^Up .* \(Paused\)$/);
  assert.equal(await world.ok(['wait', '--condition', 'paused', 'busy']), '-1');
  assert.equal(ticks(State.Pid), stood);
  assert.equal(await world.ok(['unpause', '--all']), id);
  await eventually('it goes on', () => ticks(State.Pid) > stood);
  await refused(world, ['unpause', 'busy'], /Container busy is not paused/);
  await world.ok(['pause', '--all']);
  await world.ok(['stop', 'busy']);
  const ended = await inspect(world, id);
  assert.deepEqual([ended.State.Status, ended.State.ExitCode], ['exited', 5]);
  await refused(world, ['pause', 'busy'], /Container busy is not running/);
  await world.ok(['start', 'busy']);
  await world.ok(['pause', 'busy']);
  await world.ok(['kill', 'busy']);
  assert.equal((await inspect(world, id)).State.ExitCode, 137);
  await world.ok(['start', 'busy']);
  await world.ok(['pause', 'busy']);
  await world.ok(['rm', '-f', 'busy']);
});

systemTest('update changes what is in force and what is recorded, or nothing', ['busybox'], async (world) => {
  const id = await detached(world, ['--name', 'box', '-m', '64m', '--pids-limit', '50'], ['sleep', '1000']);
  const inside = async () =>
    await world.ok([
      'exec',
      'box',
      'sh',
      '-c',
      'cd /sys/fs/cgroup; for f in memory/memory.limit_in_bytes pids/pids.max cpu/cpu.cfs_quota_us; do cat $f || cat ${f#*/}; done 2>/dev/null; cat memory.max cpu.max 2>/dev/null; true',
    ]);
  const limits = ['-m', '100m', '--pids-limit', '7', '--cpus', '0.5', '--restart', 'on-failure:3'];
  assert.equal(await world.ok(['update', ...limits, 'box']), 'box');
  const shown = await inside();
  for (const value of [/^104857600$/m, /^7$/m, /^50000\b/m]) assert.match(shown, value);
  const { HostConfig } = await inspect(world, id);
  assert.deepEqual(
    [HostConfig['Memory'], HostConfig['MemorySwap'], HostConfig['PidsLimit'], HostConfig['NanoCpus']],
    [104857600, 134217728, 7, 500000000],
  );
  assert.deepEqual(HostConfig['RestartPolicy'], { Name: 'on-failure', MaximumRetryCount: 3 });
  for (const [flags, says] of [
    [['-m', '1m'], /Minimum memory limit allowed is 6MB/],
    [['-m', '200m'], /Memory limit should be smaller than already set memoryswap limit/],
    [['--cpu-quota', '5000'], /CPU Quota cannot be updated as NanoCPUs has already been set/],
    [['--cpuset-cpus', '4095', '--pids-limit', '9'], /4095/],
    [[], /you must provide one or more flags when using this command/],
  ] as const) {
    await refused(world, ['update', ...flags, 'box'], says);
  }
  assert.equal(await inside(), shown);
  // The next start has them, too.
  await world.ok(['restart', '-t', '0', 'box']);
  assert.equal(await inside(), shown);
  assert.match(await world.ok(['top', 'box']), /\bPID\b.*\n.*\bsleep 1000$/);
  assert.equal(
    await world.ok(['top', 'box', 'pid,user', 'args']),
    topOf([
      ['PID', 'USER', 'COMMAND'],
      ['1', 'root', 'sleep 1000'],
    ]),
  );
  await refused(world, ['top', 'box', '-o', 'args'], /couldn't find the PID field/);
  const format = '{{.Name}} {{.PIDs}} {{.MemUsage}} {{.NetIO}}';
  assert.match(await world.ok(['stats', '--no-stream', '--format', format]), /^box 1 \S+[KM]iB \/ 100MiB 0B \/ 0B$/);
  await world.ok(['kill', 'box']);
  await refused(world, ['top', 'box'], /Container box is not running/);
  assert.match(
    await world.ok(['container', 'prune', '-f']),
    new RegExp(`^Deleted Containers:\n${id}\n\nTotal reclaimed space: \\S+B$`),
  );
  assert.equal(await world.ok(['ps', '-aq']), '');
});

function topOf(rows: readonly (readonly string[])[]): string {
  return rows.map(([first = '', second = '', last = '']) => first.padEnd(20) + second.padEnd(20) + last).join('\n');
}

systemTest('whoever pauses one that ends just then is told that it does not run', ['busybox'], async (world) => {
  const ended = /is not running|No such container/;
  for (let round = 0; round < 25; round++) {
    const id = await detached(world, [], ['sleep', '1000']);
    const killed = world.onggi(['kill', id]);
    await pause(round);
    for (const args of [['pause'], ['update', '--memory', '100m']]) {
      const { status, stderr } = await world.onggi([...args, id]);
      if (status !== 0) assert.match(stderr, ended, args.join(' '));
    }
    await killed;
    await world.ok(['rm', '-f', id]);
  }
});

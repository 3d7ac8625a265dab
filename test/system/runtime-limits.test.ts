/** update, events, features, spec, logs and NOTIFY_SOCKET of onggi-runtime. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Spec } from '../../src/oci/runtime-spec.ts';
import { run, start } from '../harness/program.ts';
import { type RuntimeWorld, runtimeTest } from '../harness/runtime-test.ts';

const id = 'onggi-limit';

/** Content of a file of the container's cgroup in a v1 hierarchy. */
async function limit(world: RuntimeWorld, controller: string, file: string): Promise<string> {
  const { pid } = await world.state(id);
  const path = new RegExp(`^\\d+:(?:[^:]*,)?${controller}(?:,[^:]*)?:(.*)$`, 'm').exec(
    readFileSync(`/proc/${pid}/cgroup`, 'utf8'),
  )?.[1];
  return readFileSync(`/sys/fs/cgroup/${controller}${path}/${file}`, 'utf8').trim();
}

const limited = (spec: Spec): Spec => ({
  ...spec,
  linux: { ...spec.linux, resources: { ...spec.linux?.resources, memory: { limit: 64 << 20 }, pids: { limit: 50 } } },
});

runtimeTest('update changes what is named and keeps the rest', ['cgroup-v1'], async (world) => {
  await world.detached(id, { args: ['sleep', '100'], edit: limited });
  const memory = () => limit(world, 'memory', 'memory.limit_in_bytes');
  const pids = () => limit(world, 'pids', 'pids.max');
  assert.deepEqual([await memory(), await pids()], [String(64 << 20), '50']);
  await world.ok(['update', '--memory', String(32 << 20), id]);
  assert.deepEqual([await memory(), await pids()], [String(32 << 20), '50']);
  await world.ok([
    'update',
    '--pids-limit',
    '20',
    '--cpu-share',
    '512',
    '--cpu-quota=20000',
    '--cpu-period',
    '50000',
    id,
  ]);
  assert.deepEqual([await memory(), await pids()], [String(32 << 20), '20']);
  assert.equal(await limit(world, 'cpu', 'cpu.shares'), '512');
  assert.equal(await limit(world, 'cpu', 'cpu.cfs_quota_us'), '20000');
  assert.equal(await limit(world, 'cpu', 'cpu.cfs_period_us'), '50000');
  await world.ok(['update', '--memory-reservation', '8m', '--cpuset-cpus', '0', id]);
  assert.equal(await limit(world, 'memory', 'memory.soft_limit_in_bytes'), String(8 << 20));
  assert.equal(await limit(world, 'cpuset', 'cpuset.cpus'), '0');
  await world.ok(['update', '--resources', '-', id], { input: '{"memory":{"limit":50331648},"pids":{"limit":30}}' });
  assert.deepEqual([await memory(), await pids()], [String(48 << 20), '30']);
  const file = join(world.scratch, 'resources.json');
  writeFileSync(file, '{"pids":{"limit":31}}');
  await world.ok(['update', '-r', file, id]);
  const obsolete = await world.runtime(['update', '--kernel-memory', '10M', id]);
  assert.deepEqual([obsolete.status, /kernel memory.*no effect/.test(obsolete.stderr)], [0, true], obsolete.stderr);
  assert.deepEqual([await memory(), await pids()], [String(48 << 20), '31']);
  await world.ok(['delete', '-f', id]);
});

runtimeTest('an update that is refused changes nothing', ['cgroup-v1'], async (world) => {
  await world.detached(id, { args: ['sleep', '100'], edit: limited });
  for (const [args, message] of [
    [['--cpuset-cpus', '4000', '--pids-limit', '7'], /4000/],
    [['--memory', 'lots'], /invalid value "lots" for flag -memory/],
    [['--resources', '/nonexistent'], /no such file/],
    [['--blkio-weight', '5'], /between 10 and 1000/],
  ] as const) {
    const { status, stderr } = await world.runtime(['update', ...args, id]);
    assert.equal(status, 1, args.join(' '));
    assert.match(stderr, message);
  }
  const { status, stderr } = await world.runtime(['update', '-r', '-', id], { input: '{"pids":{"limit":"x"}}' });
  assert.equal(status, 1);
  assert.match(stderr, /pids\.limit/);
  assert.equal(await limit(world, 'pids', 'pids.max'), '50');
  await world.ok(['delete', '-f', id]);
});

runtimeTest('events tells what a container uses, and that the kernel killed in it', ['cgroup-v1'], async (world) => {
  const eat = 'while [ ! -e /tmp/go ]; do sleep 0.05; done; while :; do head -c 40000000 /dev/zero | tail; done';
  const edit = (spec: Spec): Spec => ({
    ...spec,
    linux: { ...spec.linux, resources: { ...spec.linux?.resources, memory: { limit: 16 << 20, swap: 16 << 20 } } },
  });
  await world.detached(id, { args: ['sh', '-c', eat], edit });
  const stats = JSON.parse(await world.ok(['events', '--stats', id]));
  assert.deepEqual([stats.type, stats.id, stats.data.memory.usage.limit], ['stats', id, 16 << 20]);
  assert.ok(stats.data.pids.current >= 1);
  const events = world.start(['events', '--interval', '100ms', id]);
  await events.printed(/"type":"stats"/);
  await world.ok(['exec', id, 'touch', '/tmp/go']);
  await events.printed(/\{"type":"oom","id":"onggi-limit"\}\n/);
  await world.ok(['kill', '-a', id, 'KILL']);
  assert.equal((await events.outcome).status, 0);
  await world.ok(['delete', id]);
});

runtimeTest('what spec writes runs here, and under runc', ['runc'], async (world) => {
  const bundle = join(world.scratch, 'written');
  mkdirSync(bundle);
  await world.ok(['spec', '--bundle', bundle]);
  const again = await world.runtime(['spec', '-b', bundle]);
  assert.equal(again.status, 1);
  assert.match(again.stderr, /File config\.json exists/);
  const path = join(bundle, 'config.json');
  const spec = JSON.parse(readFileSync(path, 'utf8'));
  const changed = { ...spec.process, terminal: false, args: ['hostname'] };
  writeFileSync(path, JSON.stringify({ ...spec, process: changed, root: { path: join(world.scratch, 'rootfs') } }));
  for (const command of [
    ['run', '--bundle', bundle, id],
    ['--debug', 'run', '--bundle', bundle, id],
  ]) {
    assert.equal(await world.ok(command), 'onggi\n');
  }
  const { stdout } = await run('runc', ['--root', join(world.scratch, 'runc'), 'run', '-b', bundle, 'onggi-runc']);
  assert.equal(stdout, 'onggi\n');
});

runtimeTest('what runc writes runs unchanged', ['runc'], async (world) => {
  const bundle = join(world.scratch, 'written');
  mkdirSync(bundle);
  await run('runc', ['spec', '--bundle', bundle]);
  await run('sed', [
    '-i',
    's/"terminal": true/"terminal": false/; s#"rootfs"#"../rootfs"#; s/"sh"/"hostname"/',
    join(bundle, 'config.json'),
  ]);
  const outcome = await world.runtime(['run', '--bundle', bundle, id]);
  assert.deepEqual([outcome.status, outcome.stdout, outcome.stderr], [0, 'runc\n', '']);
});

runtimeTest('ambient capabilities that no kernel gives are told of where somebody misses them', [], async (world) => {
  const sets = { bounding: ['CAP_KILL'], permitted: ['CAP_KILL'], effective: ['CAP_KILL'], ambient: ['CAP_KILL'] };
  for (const [uid, warning] of [
    [0, /^$/],
    [1000, /^onggi-runtime: warning: ambient capabilities that are not .*: CAP_KILL\n$/],
  ] as const) {
    const edit = (spec: Spec): Spec => {
      const { process = { user: { uid, gid: uid }, cwd: '/', args: [] } } = spec;
      return { ...spec, process: { ...process, user: { uid, gid: uid }, capabilities: sets } };
    };
    const bundle = world.bundle({ args: ['grep', 'CapAmb', '/proc/self/status'], edit });
    const { status, stdout, stderr } = await world.runtime(['run', '--bundle', bundle, id]);
    assert.deepEqual([status, stdout], [0, 'CapAmb:\t0000000000000000\n']);
    assert.match(stderr, warning);
  }
});

runtimeTest('the log tells the reason of a failure as runc would', ['runc'], async (world) => {
  const log = join(world.scratch, 'log');
  const bundle = world.bundle({ args: ['nonexistent'] });
  const outcome = await world.runtime(['--log', log, '--log-format', 'json', 'create', '-b', bundle, id]);
  assert.equal(outcome.status, 1);
  const ours = JSON.parse(readFileSync(log, 'utf8'));
  const theirLog = join(world.scratch, 'their-log');
  const root = join(world.scratch, 'runc');
  await run('runc', ['--root', root, '--log', theirLog, '--log-format', 'json', 'create', '-b', bundle, 'onggi-runc']);
  const theirs = JSON.parse(readFileSync(theirLog, 'utf8').trim().split('\n').at(-1) ?? '');
  assert.deepEqual(Object.keys(ours).sort(), Object.keys(theirs).sort());
  assert.equal(ours.level, theirs.level);
  for (const { msg } of [ours, theirs])
    assert.match(msg, /create failed: .*exec: "nonexistent": executable file not found in \$PATH/);
});

/** A service manager: prints what is sent to its socket. */
const manager = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('listening', flush=True)
print(s.recv(4096).decode(), end='', flush=True)
`;

runtimeTest('a container tells the service manager that it is ready, and no more', ['python3'], async (world) => {
  for (const command of ['start', 'detached', 'foreground'] as const) {
    const socket = join(world.scratch, `manager-${command}`);
    const watching = start('python3', ['-c', manager, socket]);
    await watching.printed(/listening/);
    const env = { NOTIFY_SOCKET: socket };
    const args = ['onggi-probe', 'notify', 'STATUS=busy\nREADY=1\nMAINPID=77'];
    const bundle = world.bundle({ args });
    if (command === 'foreground') {
      await world.ok(['run', '-b', bundle, id], { env });
    } else {
      const words = (...flags: string[]) => ['-c', '"$@" >/dev/null 2>&1 </dev/null', '--', ...world.command, ...flags];
      if (command === 'detached') await run('sh', words('run', '-d', '-b', bundle, id), { env });
      else {
        await run('sh', words('create', '-b', bundle, id), { env });
        await run('sh', words('start', id), { env });
      }
    }
    const { stdout } = await watching.outcome;
    assert.match(stdout, command === 'foreground' ? /^listening\nREADY=1\n$/ : /^listening\nREADY=1\nMAINPID=\d+\n$/);
    assert.doesNotMatch(stdout, /^MAINPID=77$|STATUS/m);
    if (command !== 'foreground') await world.ok(['delete', '-f', id]);
  }
});

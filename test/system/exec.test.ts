/** `onggi exec`: a further process in a running container, with all its confinement. */
import assert from 'node:assert/strict';
import { readFileSync, readlinkSync } from 'node:fs';
import { eventually, run } from '../harness/program.ts';
import { binary, systemTest, type World } from '../harness/system-test.ts';
import { detached, inspect, linesOf, type Report, reportOf } from './container-view.ts';

/** A container that sleeps; its id. */
async function sleeper(world: World, ...flags: string[]): Promise<string> {
  return await detached(world, flags, ['onggi-probe', 'sleep']);
}

async function reportIn(world: World, id: string, ...flags: string[]): Promise<Report> {
  return JSON.parse(await world.ok(['exec', ...flags, id, 'onggi-probe']));
}

systemTest('the exit status is the command’s own, or 126 and 127', ['busybox'], async (world) => {
  const id = await sleeper(world);
  for (const [line, status] of [
    ['exit 0', 0],
    ['exit 42', 42],
    ['kill -9 $$', 137],
    ['kill -15 $$', 143],
  ] as const) {
    assert.equal((await world.onggi(['exec', id, 'sh', '-c', line])).status, status, line);
  }
  for (const [args, status, message] of [
    [[id, 'nosuch'], 127, /^onggi: exec: "nosuch": executable file not found in \$PATH\n/],
    [[id, '/no/such'], 127, /^onggi: exec: "\/no\/such": no such file or directory\n/],
    [[id, ''], 127, /^onggi: exec: "": executable file not found in \$PATH\n/],
    [[id, '/etc/passwd'], 126, /^onggi: exec: "\/etc\/passwd": permission denied\n/],
    [['-w', '/no/such', id, 'pwd'], 126, /^onggi: exec: .*"\/no\/such": no such file or directory\n/],
    [['-w', 'rel', id, 'pwd'], 126, /working directory "rel" is invalid/],
    [['-u', 'nobody9', id, 'id'], 126, /^onggi: exec: user "nobody9" is not in the container's \/etc\/passwd/],
    [['-u', '4294967296', id, 'id'], 126, /is not between 0 and 2147483647/],
    [['nosuch', 'true'], 1, /^onggi: No such container: nosuch\n/],
    [['--nosuch', id, 'true'], 125, /^onggi: unknown flag: --nosuch\n/],
    [['-it', id, 'true'], 1, /the input device is not a TTY/],
  ] as const) {
    const outcome = await world.onggi(['exec', ...args]);
    assert.equal(outcome.status, status, `${args.join(' ')}: ${outcome.stderr}`);
    assert.match(outcome.stderr, message);
  }
  await world.ok(['kill', id]);
  const stopped = await world.onggi(['exec', id, 'true']);
  assert.equal(stopped.status, 1);
  assert.match(stopped.stderr, /^onggi: Container \S+ is not running\n/);
});

systemTest('user, environment and directory: the container’s, or others', ['busybox'], async (world) => {
  const id = await sleeper(world, '-u', 'app', '-w', '/www', '-e', 'A=1', '-e', 'B=1');
  const same = await reportIn(world, id);
  assert.deepEqual(
    [same.uids, same.gids, same.groups, same.cwd],
    [[1000, 1000, 1000], [1000, 1000, 1000], [50, 1000], '/www'],
  );
  assert.ok(
    ['A=1', 'B=1', 'HOME=/tmp'].every((each) => same.env.includes(each)),
    same.env.join(' '),
  );
  const other = await reportIn(world, id, '-u', '0:50', '-w', '/etc', '-e', 'B=2', '-e', 'C=3');
  assert.deepEqual([other.uids, other.gids, other.groups, other.cwd], [[0, 0, 0], [50, 50, 50], [50], '/etc']);
  assert.ok(
    ['A=1', 'B=2', 'C=3', 'HOME=/root'].every((each) => other.env.includes(each)),
    other.env.join(' '),
  );
});

systemTest('capabilities and filter are the container’s, whoever the user is', ['busybox'], async (world) => {
  const sets = ({ bounding, permitted, effective, inheritable, ambient }: Report) =>
    [bounding, permitted, effective, inheritable, ambient].map((digits) => BigInt(`0x${digits}`));
  const confined = ({ noNewPrivileges, seccomp }: Report) => [noNewPrivileges, seccomp];
  const id = await sleeper(world, '-u', 'app', '--cap-drop', 'NET_RAW', '--cap-drop', 'CHOWN', '--cap-add', 'SYS_TIME');
  const init = await reportOf(world, ['--cap-drop', 'NET_RAW', '--cap-drop', 'CHOWN', '--cap-add', 'SYS_TIME']);
  const [all = 0n] = sets(init);
  assert.deepEqual(sets(init), [all, all, all, 0n, 0n]);
  const [root, app] = [await reportIn(world, id, '-u', '0'), await reportIn(world, id)];
  assert.deepEqual(sets(root), [all, all, all, 0n, 0n]);
  assert.deepEqual(sets(app), [all, 0n, 0n, 0n, 0n]);
  for (const each of [root, app]) assert.deepEqual(confined(each), confined(init));
  assert.deepEqual(confined(root).at(-1), '2');
  // Privileged: all that the engine has, for root alone, and no filter.
  const privileged = await reportOf(world, ['--privileged']);
  assert.deepEqual(sets(await reportIn(world, id, '-u', '0', '--privileged')), sets(privileged));
  assert.equal((await reportIn(world, id, '-u', '0', '--privileged')).seccomp, '0');
  assert.deepEqual(sets(await reportIn(world, id, '--privileged')).slice(1), [0n, 0n, 0n, 0n]);
});

systemTest('stdin with -i, none without, streams apart', ['busybox'], async (world) => {
  const id = await sleeper(world);
  const data = 'x'.repeat(300_000);
  assert.equal((await world.onggi(['exec', '-i', id, 'cat'], { input: data })).stdout, data);
  assert.equal((await world.onggi(['exec', id, 'cat'], { input: data })).stdout, '');
  const { stdout, stderr } = await world.onggi(['exec', id, 'sh', '-c', 'echo out; echo err >&2']);
  assert.deepEqual([stdout, stderr], ['out\n', 'err\n']);
  assert.equal(await world.ok(['exec', '-t', id, 'tty']), '/dev/pts/0\r');
  // What exec prints is not the container's log.
  assert.equal(await world.ok(['logs', id]), 'sleeping');
});

systemTest('-d lets go at once; the process lives until it or the container ends', ['busybox'], async (world) => {
  const id = await sleeper(world);
  assert.equal(await world.ok(['exec', '-d', id, 'sh', '-c', 'echo $$ >/tmp/pid; exec sleep 1000']), '');
  const processes = () => world.ok(['exec', id, 'ps', '-o', 'args']);
  await eventually('it runs', async () => /^sleep 1000$/m.test(await processes()));
  const failing = await world.onggi(['exec', '-d', id, 'nosuch']);
  assert.equal(failing.status, 127);
  await world.ok(['exec', id, 'sh', '-c', 'kill $(cat /tmp/pid)']);
  await eventually('it has ended', async () => !/sleep 1000/.test(await processes()));
  await world.ok(['exec', '-d', id, 'sleep', '2000']);
  await world.ok(['kill', id]);
});

systemTest('the command may be killed, the process it started goes on', ['busybox'], async (world) => {
  const id = await sleeper(world);
  const running = world.start([
    'exec',
    id,
    'sh',
    '-c',
    'echo begun; while [ ! -e /end ]; do sleep 0.02; done; echo end >/result',
  ]);
  await running.printed(/begun/);
  running.child.kill('SIGKILL');
  await running.outcome;
  await world.ok(['exec', id, 'touch', '/end']);
  await eventually(
    'it came to its end',
    async () => (await world.onggi(['exec', id, 'cat', '/result'])).stdout === 'end\n',
  );
});

systemTest('a killed shim of an exec ends the process, not the container', ['busybox'], async (world) => {
  const id = await sleeper(world);
  const running = world.start(['exec', id, 'sh', '-c', 'echo begun; exec sleep 1000']);
  await running.printed(/begun/);
  const { Pid } = (await inspect(world, id)).State;
  const tasks = linesOf(readFileSync(`/sys/fs/cgroup/pids${cgroupOf(Pid)}/cgroup.procs`, 'utf8')).map(Number);
  const child = tasks.find((pid) => pid !== Pid) ?? 0;
  process.kill(Number(statusOf(child, 'PPid')), 'SIGKILL');
  const { status, stderr } = await running.outcome;
  assert.equal(status, 1);
  assert.match(stderr, /its shim was killed/);
  await eventually(
    'its process is gone',
    async () => !/sleep 1000/.test(await world.ok(['exec', id, 'ps', '-o', 'args'])),
  );
  assert.equal((await inspect(world, id)).State.Running, true);
});

function statusOf(pid: number, field: string): string {
  return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
}

function cgroupOf(pid: number): string {
  return /^\d+:pids:(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';
}

systemTest('it shares every namespace and cgroup, and nothing of the host leaks in', ['busybox'], async (world) => {
  const id = await sleeper(world, '--hostname', 'jar');
  const { Pid } = (await inspect(world, id)).State;
  const running = world.start(['exec', '-i', id, 'sh', '-c', 'onggi-probe; echo $$; cat']);
  const [line = ''] = await running.printed(/\{.*\}\n\d+\n/);
  const seen: Report = JSON.parse(line.slice(0, line.indexOf('\n')));
  for (const name of ['mnt', 'pid', 'net', 'uts', 'ipc', 'cgroup', 'user', 'time']) {
    assert.equal(seen.namespaces[name], readlinkSync(`/proc/${Pid}/ns/${name}`), name);
  }
  assert.equal(seen.hostname, 'jar');
  assert.deepEqual(Object.keys(seen.descriptors), ['0', '1', '2']);
  for (const target of Object.values(seen.descriptors)) assert.match(target, /^(pipe|socket):/);
  // In every hierarchy it is where the init is, seen from outside.
  const inner = Number(line.trim().split('\n')[1]);
  const outside = linesOf(readFileSync(`/sys/fs/cgroup/pids${cgroupOf(Pid)}/cgroup.procs`, 'utf8')).map(Number);
  const own = outside.find((pid) => statusOf(pid, 'NSpid').split('\t').at(-1) === String(inner)) ?? 0;
  assert.equal(readFileSync(`/proc/${own}/cgroup`, 'utf8'), readFileSync(`/proc/${Pid}/cgroup`, 'utf8'));
  for (const cgroup of seen.cgroup) assert.match(cgroup, /:\/$/);
  running.child.stdin?.end();
  assert.equal((await running.outcome).status, 0);
});

systemTest('twenty at the same time', ['busybox'], async (world) => {
  const id = await sleeper(world);
  const numbers = Array.from({ length: 20 }, (_, number) => number);
  const outcomes = await Promise.all(numbers.map((n) => world.onggi(['exec', id, 'sh', '-c', `echo ${n}; exit ${n}`])));
  assert.deepEqual(
    outcomes.map(({ status, stdout }) => [status, stdout]),
    numbers.map((n) => [n, `${n}\n`]),
    outcomes.map(({ stderr }) => stderr).join(''),
  );
});

systemTest(
  'the session keyring of the container, and the limit of open files of the caller',
  ['busybox'],
  async (world) => {
    const id = await sleeper(world, '--privileged');
    // The permissions say that it was found there, not made.
    const keyring = `keyring;0;0;3f080000;_ses.${id}`;
    assert.equal((await reportIn(world, id)).sessionKeyring, keyring);
    assert.equal((await reportIn(world, id, '-u', 'app')).sessionKeyring, keyring);
    const limit = async (...args: string[]): Promise<string> => {
      const words = ['-c', 'ulimit -Sn 321; exec "$@"', '--', binary, '--root', world.root, ...args];
      const { stdout, stderr } = await run('sh', words);
      return stdout + stderr;
    };
    const command = ['sh', '-c', 'ulimit -Sn'];
    assert.equal(await limit('exec', id, ...command), '321\n');
    assert.equal(await limit('run', '--rm', '--network', 'none', world.image, ...command), '321\n');
  },
);

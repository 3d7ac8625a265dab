/** Debian's podman with `--runtime PATH`: conmon is the one that runs the runtime there. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { busyboxTar } from '../harness/busybox-image.ts';
import { findLeaks, type Snapshot, snapshot } from '../harness/leaks.ts';
import { lockMachine } from '../harness/machine-lock.ts';
import { eventually, type Outcome, pause } from '../harness/program.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { openTerminal } from '../harness/terminal.ts';
import { openApart } from './apart.ts';
import { assertBuilt, runtimePath } from './runtime-path.ts';

const needs = requires('root', 'overlay', 'podman', 'python3');
const parent = 'onggi-podman';

/** A machine without CAP_SYS_RESOURCE can't raise limits to what podman has as defaults. */
const configuration = `
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
`;

/** Its locks are shared memory of a fixed name. */
const setup = 'mount -t tmpfs tmpfs /dev/shm';

suite('podman with onggi-runtime', { timeout: 120_000, ...needs }, () => {
  const undo = new AsyncDisposableStack();
  let podman: (...args: readonly string[]) => Promise<Outcome>;
  let words: readonly string[];
  let machine: Snapshot;

  before(async () => {
    assertBuilt();
    await lockMachine();
    machine = snapshot();
    const scratch = undo.use(makeScratch());
    const apart = undo.use(await openApart(parent, setup));
    const at = (name: string) => join(scratch.path, name);
    mkdirSync(at('root'));
    writeFileSync(at('containers.conf'), configuration);
    const command = [
      ...['env', `CONTAINERS_CONF=${at('containers.conf')}`, 'podman', '--root', at('root'), '--runroot', at('run')],
      ...['--tmpdir', at('tmp'), '--runtime', runtimePath],
    ];
    podman = (...args) => apart.run([...command, ...args]);
    words = [...apart.enter, ...command];
    await ok('import', await busyboxTar(), 'localhost/busybox');
  });

  after(async () => {
    await undo.disposeAsync();
    assert.deepEqual(await findLeaks(machine), [], 'left behind');
  });

  async function ok(...args: readonly string[]): Promise<string> {
    const outcome = await podman(...args);
    assert.equal(outcome.status, 0, `podman ${args.join(' ')}: ${outcome.stderr}${outcome.stdout}`);
    return outcome.stdout.replace(/\n$/, '');
  }

  const own = ['--network', 'none', '--cgroup-parent', `/${parent}`];

  /** Starts a container that is removed with its test. */
  async function detached(flags: readonly string[], ...command: readonly string[]) {
    const id = await ok('run', '-d', ...own, ...flags, 'localhost/busybox', ...command);
    return { id, [Symbol.asyncDispose]: async () => void (await ok('rm', '-f', '-t', '0', id)) };
  }

  test('run: streams, status, user, limits', async () => {
    const script = 'echo "$(id -u):$(id -g) $(ulimit -n)"; echo wrong >&2; exit 7';
    const ended = await podman('run', '--rm', ...own, '-u', '1000:50', 'localhost/busybox', 'sh', '-c', script);
    assert.deepEqual([ended.status, ended.stdout, ended.stderr], [7, '1000:50 1024\n', 'wrong\n']);
  });

  test('a program that does not exist gives 127, one that is no program 126', async () => {
    const missing = await podman('run', '--rm', ...own, 'localhost/busybox', 'no-such-program');
    assert.equal(missing.status, 127, missing.stderr);
    const unfit = await podman('run', '--rm', ...own, 'localhost/busybox', '/etc/passwd');
    assert.equal(unfit.status, 126, unfit.stderr);
  });

  test('run -it: a terminal over the console socket of conmon', async () => {
    const [command = '', ...before] = words;
    const args = [...before, 'run', '-it', '--rm', ...own, 'localhost/busybox', 'sh'];
    await using terminal = openTerminal(command, args);
    await terminal.expect(/# /);
    terminal.type('tty; stty size\r');
    await terminal.expect(/\/dev\/pts\/0\s+24 80/);
    terminal.type('exit 3\r');
    assert.equal(await terminal.exit, 3);
  });

  test('exec: status, user, a program that is not there', async () => {
    await using container = await detached([], 'sleep', '1000');
    const ended = await podman('exec', '-u', '7', '-e', 'A=b', container.id, 'sh', '-c', 'echo "$(id -u) $A"; exit 4');
    assert.deepEqual([ended.status, ended.stdout], [4, '7 b\n'], ended.stderr);
    assert.equal((await podman('exec', container.id, 'no-such-program')).status, 127);
  });

  test('healthcheck', async () => {
    const check = ['--health-cmd', 'test -e /tmp/well', '--health-interval', 'disable', '--health-retries', '1'];
    await using container = await detached(check, 'sleep', '1000');
    const health = () => ok('inspect', '--format', '{{.State.Health.Status}}', container.id);
    assert.equal((await podman('healthcheck', 'run', container.id)).status, 1);
    assert.equal(await health(), 'unhealthy');
    await ok('exec', container.id, 'touch', '/tmp/well');
    await ok('healthcheck', 'run', container.id);
    assert.equal(await health(), 'healthy');
  });

  test('a pod of two talks on its loopback', async () => {
    const infra = ['--infra-image', 'localhost/busybox', '--infra-command', '/bin/sleep 1000'];
    await ok('pod', 'create', '--name', 'two', '--network', 'none', '--cgroup-parent', `/${parent}`, ...infra);
    try {
      await ok('run', '-d', '--pod', 'two', 'localhost/busybox', 'onggi-probe', 'http', '80');
      const connect = ['run', '--rm', '--pod', 'two', 'localhost/busybox', 'onggi-probe', 'connect', '127.0.0.1', '80'];
      await eventually('the other answers', async () => /ok$/.test((await podman(...connect)).stdout.trim()), 20_000);
      assert.match(await ok('pod', 'ps'), /two +Running/);
    } finally {
      await ok('pod', 'rm', '-f', '-t', '0', 'two');
    }
  });

  test('stop, pause, limits and their update', async () => {
    const flags = ['-m', '64m', '--pids-limit', '50'];
    await using container = await detached(
      flags,
      'sh',
      '-c',
      'trap "exit 9" TERM; echo ready; while :; do echo tick; sleep 0.05; done',
    );
    await eventually('the trap is set', async () => /ready/.test(await ok('logs', container.id)));
    const files = ['memory/memory.limit_in_bytes', 'pids/pids.max'].map((file) => `/sys/fs/cgroup/${file}`);
    assert.equal(await ok('exec', container.id, 'cat', ...files), `${64 << 20}\n50`);
    await ok('pause', container.id);
    const frozen = await ok('logs', container.id);
    await pause(200);
    assert.equal(await ok('logs', container.id), frozen);
    await ok('unpause', container.id);
    await ok('stop', container.id);
    assert.equal(await ok('inspect', '--format', '{{.State.ExitCode}}', container.id), '9');
  });
});

/** What users of Docker do with a container, each through Debian's dockerd with `--runtime onggi`. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { findLeaks, type Snapshot, snapshot } from '../harness/leaks.ts';
import { lockMachine } from '../harness/machine-lock.ts';
import { eventually, pause } from '../harness/program.ts';
import { requires } from '../harness/requires.ts';
import { type Docker, startDocker, withOnggi } from './docker-daemon.ts';

const needs = requires('root', 'overlay', 'bridge', 'dockerd', 'python3');

suite('dockerd with onggi-runtime', { timeout: 180_000, ...needs }, () => {
  let daemon: Docker;
  let machine: Snapshot;

  before(async () => {
    await lockMachine();
    machine = snapshot();
    daemon = await startDocker();
  });

  after(async () => {
    await daemon[Symbol.asyncDispose]();
    assert.deepEqual(await findLeaks(machine), [], 'left behind');
  });

  /** Starts a container that is removed with its test. */
  async function detached(flags: readonly string[], command: readonly string[]) {
    const id = await daemon.ok(['run', '-d', ...withOnggi, ...flags, 'busybox', ...command]);
    return { id, [Symbol.asyncDispose]: async () => void (await daemon.ok(['rm', '-f', id])) };
  }

  async function stateOf(id: string): Promise<Readonly<Record<string, unknown>>> {
    return JSON.parse(await daemon.ok(['inspect', '--format', '{{json .State}}', id]));
  }

  test('run: arguments, environment, streams and exit status', async () => {
    const script = 'echo "$1 $NAME $(id -u):$(id -g) $(pwd)"; echo wrong >&2; exit 7';
    const flags = [...withOnggi, '--rm', '-e', 'NAME=value', '-u', '1000:50', '-w', '/tmp'];
    const ended = await daemon.docker(['run', ...flags, 'busybox', 'sh', '-c', script, 'sh', 'an argument']);
    assert.deepEqual([ended.status, ended.stdout, ended.stderr], [7, 'an argument value 1000:50 /tmp\n', 'wrong\n']);
  });

  test('run -i: what is piped in comes out', async () => {
    const input = 'x'.repeat(300_000);
    const ended = await daemon.docker(['run', '-i', '--rm', ...withOnggi, 'busybox', 'cat'], { input });
    assert.equal(ended.stdout.length, input.length, ended.stderr);
  });

  test('a program that does not exist gives 127, one that is no program 126', async () => {
    const missing = await daemon.docker(['run', '--rm', ...withOnggi, 'busybox', 'no-such-program']);
    assert.equal(missing.status, 127, missing.stderr);
    assert.match(missing.stderr, /no-such-program/);
    const unfit = await daemon.docker(['run', '--rm', ...withOnggi, 'busybox', '/etc/passwd']);
    assert.equal(unfit.status, 126, unfit.stderr);
  });

  test("the bridge network, made by dockerd's hook", async () => {
    await using server = await detached([], ['onggi-probe', 'http', '80']);
    const address = await daemon.ok(['inspect', '--format', '{{.NetworkSettings.IPAddress}}', server.id]);
    const client = ['run', '--rm', ...withOnggi, 'busybox', 'onggi-probe', 'connect', address, '80'];
    await eventually('the server answers', async () => /ok$/.test((await daemon.docker(client)).stdout.trim()), 20_000);
  });

  test('exec: status, user, environment; a terminal', async () => {
    await using container = await detached([], ['sleep', '1000']);
    const script = 'echo "$(id -u) $A"; exit 5';
    // The client says the size when the program runs already.
    const terminalScript = 'tty; until stty size | grep "24 80"; do sleep 0.05; done; read x; exit 4';
    const ended = await daemon.docker(['exec', '-u', '7', '-e', 'A=b', container.id, 'sh', '-c', script]);
    assert.deepEqual([ended.status, ended.stdout], [5, '7 b\n'], ended.stderr);
    // 20.10 says 126 here, later releases 127.
    const missing = await daemon.docker(['exec', container.id, 'no-such-program']);
    assert.ok(missing.status === 126 || missing.status === 127, missing.stderr);
    assert.match(missing.stdout + missing.stderr, /no-such-program/);
    await using terminal = daemon.terminal(['exec', '-it', container.id, 'sh', '-c', terminalScript]);
    await terminal.expect(/\/dev\/pts\/\d/);
    await terminal.expect(/24 80/);
    terminal.type('\r');
    assert.equal(await terminal.exit, 4);
  });

  test('run -it: a terminal with its size, Ctrl-C, and a new size', async () => {
    await using terminal = daemon.terminal(['run', '-it', '--rm', ...withOnggi, 'busybox', 'sh']);
    await terminal.expect(/# /);
    terminal.type('stty size; tty\r');
    await terminal.expect(/24 80\s+\/dev\/pts\/0/);
    terminal.resize({ rows: 30, columns: 100 });
    await eventually('the size has changed', async () => {
      terminal.type('stty size\r');
      return await terminal.expect(/\d+ \d+\r/).then(([size]) => size === '30 100\r');
    });
    terminal.type('trap "echo caught" INT; echo waiting; sleep 1000\r');
    await terminal.expect(/waiting\r/);
    await pause(200);
    terminal.type('\x03');
    await terminal.expect(/caught/);
    terminal.type('exit 3\r');
    assert.equal(await terminal.exit, 3);
  });

  test('stop asks with SIGTERM, then kills; kill sends what it is told', async () => {
    await using polite = await detached(
      [],
      ['sh', '-c', 'trap "exit 9" TERM; echo ready; while :; do sleep 0.1; done'],
    );
    await eventually('the trap is set', async () => (await daemon.ok(['logs', polite.id])) === 'ready');
    await daemon.ok(['stop', polite.id]);
    assert.equal((await stateOf(polite.id))['ExitCode'], 9);
    await using deaf = await detached([], ['sleep', '1000']);
    await daemon.ok(['stop', '-t', '1', deaf.id]);
    assert.equal((await stateOf(deaf.id))['ExitCode'], 137);
    await using hit = await detached([], ['onggi-probe', 'trap', '10']);
    await eventually('it traps', async () => /ready/.test(await daemon.ok(['logs', hit.id])));
    await daemon.ok(['kill', '-s', 'USR1', hit.id]);
    await eventually('it got the signal', async () => /got 10/.test(await daemon.ok(['logs', hit.id])));
  });

  test('pause freezes, unpause lets go', async () => {
    await using container = await detached([], ['sh', '-c', 'while :; do echo tick; sleep 0.05; done']);
    const ticks = async () => (await daemon.ok(['logs', container.id])).length;
    await daemon.ok(['pause', container.id]);
    assert.equal((await stateOf(container.id))['Status'], 'paused');
    const frozen = await ticks();
    await pause(300);
    assert.equal(await ticks(), frozen);
    await daemon.ok(['unpause', container.id]);
    await eventually('it goes on', async () => (await ticks()) > frozen);
  });

  test('limits, and update changes them while it runs', async () => {
    await using container = await detached(['-m', '64m', '--cpus', '0.5', '--pids-limit', '50'], ['sleep', '1000']);
    const read = async (...files: string[]) =>
      (await daemon.ok(['exec', container.id, 'cat', ...files.map((file) => `/sys/fs/cgroup/${file}`)])).split('\n');
    const files = ['memory/memory.limit_in_bytes', 'cpu/cpu.cfs_quota_us', 'pids/pids.max'];
    assert.deepEqual(await read(...files), [String(64 << 20), '50000', '50']);
    const changes = ['-m', '96m', '--memory-swap', '192m', '--cpus', '0.25', '--pids-limit', '60'];
    await daemon.ok(['update', ...changes, container.id]);
    assert.deepEqual(await read(...files), [String(96 << 20), '25000', '60']);
  });

  test('who is killed for want of memory is said to be', async () => {
    const limits = ['-m', '16m', '--memory-swap', '16m'];
    const eater = `onggi-probe memory ${64 << 20}`;
    // The first process outlives it: dockerd forgets the event when the end of the container overtakes it.
    await using container = await detached(limits, ['sh', '-c', `${eater}; status=$?; sleep 0.5; exit $status`]);
    assert.equal(await daemon.ok(['wait', container.id]), '137');
    assert.equal((await stateOf(container.id))['OOMKilled'], true);
    await using alone = await detached(limits, eater.split(' '));
    assert.equal(await daemon.ok(['wait', alone.id]), '137');
  });

  test('top and stats see the processes', async () => {
    await using container = await detached([], ['sh', '-c', 'sleep 1000 & sleep 1001']);
    await eventually('both sleep', async () => {
      const top = await daemon.ok(['top', container.id]);
      return /sleep 1000/.test(top) && /sleep 1001/.test(top);
    });
    const stats = await daemon.ok(['stats', '--no-stream', '--format', '{{.PIDs}}', container.id]);
    assert.equal(stats, '2');
  });

  test('privileged, read-only, without a filter, with devices', async () => {
    const script =
      'grep -E "^(CapEff|Seccomp):" /proc/self/status | tr -d "\\t"; touch /x 2>&1; ls -l /dev/null | cut -c1-10';
    const shell = ['busybox', 'sh', '-c', script];
    const usual = await daemon.ok(['run', '--rm', ...withOnggi, '--read-only', ...shell]);
    assert.match(usual, /^CapEff:00000000a80425fb\nSeccomp:2\ntouch: .*Read-only file system\ncrw-rw-rw-$/);
    const free = await daemon.ok(['run', '--rm', ...withOnggi, '--privileged', ...shell]);
    assert.match(free, /^CapEff:[0-9a-f]+\nSeccomp:0\ncrw-rw-rw-$/);
    const device = await daemon.ok([
      ...['run', '--rm', ...withOnggi, '--cap-add', 'SYSLOG', '--device', '/dev/kmsg:/dev/mine:r', 'busybox'],
      ...['sh', '-c', '(: </dev/mine) && echo opened; (: >/dev/mine) 2>&1 || true'],
    ]);
    assert.match(device, /^opened\n.*not permitted/);
  });

  test('restart and start again', async () => {
    await using container = await detached([], ['sh', '-c', 'echo started; sleep 1000']);
    await daemon.ok(['restart', '-t', '0', container.id]);
    await daemon.ok(['kill', container.id]);
    await daemon.ok(['start', container.id]);
    await eventually(
      'three starts',
      async () => (await daemon.ok(['logs', container.id])) === 'started\nstarted\nstarted',
    );
  });
});

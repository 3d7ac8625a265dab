/** Debian's containerd: its shim runs the runtime that `ctr run --runc-binary` names. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { layOut } from '../harness/busybox-image.ts';
import { findLeaks, type Snapshot, snapshot } from '../harness/leaks.ts';
import { lockMachine } from '../harness/machine-lock.ts';
import { eventually, type Outcome } from '../harness/program.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { openTerminal } from '../harness/terminal.ts';
import { openApart } from './apart.ts';
import { assertBuilt, runtimePath } from './runtime-path.ts';

const needs = requires('root', 'overlay', 'containerd', 'python3');
const parent = 'onggi-containerd';

function configuration(at: (name: string) => string): string {
  return `
version = 2
root = "${at('root')}"
state = "${at('state')}"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
  address = "${at('s')}"
[ttrpc]
  address = "${at('t')}"
`;
}

suite('containerd with onggi-runtime', { timeout: 120_000, ...needs }, () => {
  const undo = new AsyncDisposableStack();
  let ctr: (...args: readonly string[]) => Promise<Outcome>;
  let words: readonly string[];
  let root: string;
  let machine: Snapshot;

  before(async () => {
    assertBuilt();
    await lockMachine();
    machine = snapshot();
    const scratch = undo.use(makeScratch());
    const apart = undo.use(await openApart(parent));
    const at = (name: string) => join(scratch.path, name);
    for (const name of ['root', 'state']) mkdirSync(at(name));
    writeFileSync(at('config.toml'), configuration(at));
    root = at('rootfs');
    layOut(root);
    const daemon = apart.start(['sh', '-c', `echo $$ >${at('pid')}; exec containerd --config ${at('config.toml')}`]);
    undo.defer(async () => {
      await apart.run(['sh', '-c', `kill -TERM "$(cat ${at('pid')})"`]);
      await daemon.outcome;
    });
    words = [...apart.enter, 'ctr', '--address', at('s')];
    ctr = (...args) => apart.run(['ctr', '--address', at('s'), ...args]);
    await eventually(
      'containerd answers',
      async () => {
        assert.equal(daemon.child.exitCode, null, daemon.output().stderr);
        return (await ctr('version')).status === 0;
      },
      20_000,
    );
  });

  after(async () => {
    await undo.disposeAsync();
    assert.deepEqual(await findLeaks(machine), [], 'left behind');
  });

  async function ok(...args: readonly string[]): Promise<string> {
    const outcome = await ctr(...args);
    assert.equal(outcome.status, 0, `ctr ${args.join(' ')}: ${outcome.stderr}${outcome.stdout}`);
    return outcome.stdout.replace(/\n$/, '');
  }

  /** Flags, root file system and name of a container. */
  function container(name: string, ...flags: readonly string[]): readonly string[] {
    const cgroup = ['--cgroup', `/${parent}/${name}`];
    return ['run', '--runc-binary', runtimePath, ...cgroup, '--env', 'PATH=/bin', ...flags, '--rootfs', root, name];
  }

  test('run: streams and status', async () => {
    const script = 'echo "$A $(id -u) $(hostname)"; echo wrong >&2; exit 7';
    const ended = await ctr(...container('one', '--rm', '--env', 'A=b'), 'sh', '-c', script);
    assert.equal(ended.status, 7, ended.stderr);
    assert.match(ended.stdout, /^b 0 /);
    assert.match(ended.stderr, /wrong/);
  });

  test('run: the reason when the program does not exist', async () => {
    const missing = await ctr(...container('missing', '--rm'), 'no-such-program');
    assert.notEqual(missing.status, 0);
    assert.match(missing.stderr, /no-such-program/);
  });

  test('run -t: a terminal', async () => {
    const [command = '', ...before] = words;
    await using terminal = openTerminal(command, [...before, ...container('terminal', '--rm', '-t'), 'sh']);
    await terminal.expect(/# /);
    terminal.type('tty; stty size\r');
    await terminal.expect(/\/dev\/pts\/0\s+24 80/);
    terminal.type('exit 3\r');
    assert.equal(await terminal.exit, 3);
  });

  test('tasks: exec, ps, metrics, pause, resume, kill, delete', async () => {
    await ok(...container('two', '-d', '--memory-limit', String(64 << 20)), 'sleep', '1000');
    try {
      const ended = await ctr('tasks', 'exec', '--exec-id', 'e', 'two', 'sh', '-c', 'echo in; exit 4');
      assert.deepEqual([ended.status, ended.stdout], [4, 'in\n'], ended.stderr);
      assert.match(await ok('tasks', 'ps', 'two'), /^PID.*\n\d+/);
      assert.match(await ok('tasks', 'metrics', 'two'), /memory.*\d+/);
      await ok('tasks', 'pause', 'two');
      assert.match(await ok('tasks', 'ls'), /two +\d+ +PAUSED/);
      await ok('tasks', 'resume', 'two');
      assert.match(await ok('tasks', 'ls'), /two +\d+ +RUNNING/);
    } finally {
      await ok('tasks', 'kill', '-s', 'KILL', 'two');
      await eventually('it has ended', async () => /two +\d+ +STOPPED/.test(await ok('tasks', 'ls')));
      await ctr('tasks', 'rm', 'two');
      await ok('containers', 'rm', 'two');
    }
    assert.doesNotMatch(await ok('tasks', 'ls'), /two/);
  });
});

/** An ordinary user to whom a part of the cgroups is delegated, as a manager of services does (cgroup-v2.rst, "Delegation"). */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { busyboxTar, layOut, repository } from '../harness/busybox-image.ts';
import { removeCgroups } from '../harness/cgroup-tree.ts';
import { findLeaks, snapshot } from '../harness/leaks.ts';
import { lockMachine } from '../harness/machine-lock.ts';
import { eventually } from '../harness/program.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';

const userId = 4242;
const top = '/sys/fs/cgroup';
const delegated = join(top, 'user-4242');
/** Where the user's commands run; processes may not lie in an inner cgroup. */
const session = join(delegated, 'session');

type User = { readonly home: string; run(...command: string[]): Promise<string> };

function own(path: string): void {
  chownSync(path, userId, userId);
}

function delegate(controllers: string): AsyncDisposable {
  writeFileSync(join(top, 'cgroup.subtree_control'), controllers);
  for (const path of [delegated, session]) mkdirSync(path);
  writeFileSync(join(delegated, 'cgroup.subtree_control'), '');
  for (const directory of [delegated, session]) {
    own(directory);
    for (const file of ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads']) own(join(directory, file));
  }
  return {
    async [Symbol.asyncDispose]() {
      writeFileSync(join(delegated, 'cgroup.kill'), '1');
      await eventually('the cgroups are empty', async () =>
        /^populated 0$/m.test(readFileSync(join(delegated, 'cgroup.events'), 'utf8')),
      );
      removeCgroups('user-4242');
    },
  };
}

/** Runs a command as the user, in the session; it must end well. @returns what it prints */
function run(home: string, command: readonly string[]): Promise<string> {
  const [shell, script] = ['/bin/sh', 'read go && exec "$@"'];
  const child = spawn(shell, ['-c', script, 'sh', ...command], {
    cwd: home,
    env: { PATH: '/bin:/usr/bin', HOME: home, XDG_RUNTIME_DIR: home },
    uid: userId,
    gid: userId,
  });
  writeFileSync(join(session, 'cgroup.procs'), String(child.pid));
  child.stdin.end('go\n');
  let [printed, said] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  return new Promise((done, failed) => {
    child.once('error', failed);
    child.once('close', (status) => {
      if (status === 0 && said === '') done(printed.trim());
      else failed(new Error(`${command.join(' ')}: ${status}: ${said}`));
    });
  });
}

function delegationTest(name: string, body: (user: User) => Promise<void>): void {
  test(`v2: ${name}`, { timeout: 100_000, ...requires('root', 'cgroup-v2', 'busybox') }, async () => {
    await lockMachine();
    const before = snapshot();
    {
      await using scratch = makeScratch();
      chmodSync(scratch.path, 0o755);
      const home = join(scratch.path, 'home');
      mkdirSync(home);
      own(home);
      await using _ = delegate('+memory +pids +cpu');
      await body({ home, run: (...command) => run(home, command) });
    }
    assert.deepEqual(await findLeaks(before), []);
  });
}

delegationTest('limits of an ordinary user hold where cgroups are delegated', async ({ run }) => {
  const onggi = join(repository, 'dist/onggi');
  await run(onggi, 'import', await busyboxTar(), 'busybox');
  const limits = ['-m', '32m', '--pids-limit', '20', '--cpus', '0.5'];
  const base = ['--network', 'none', ...limits, 'busybox'];
  const look = 'cd /sys/fs/cgroup; cat memory.max pids.max cpu.max; cat /proc/self/cgroup';
  const seen = await run(onggi, 'run', '--rm', ...base, 'sh', '-c', look);
  assert.deepEqual(seen.split('\n'), [String(32 << 20), '20', '50000 100000', '0::/']);
  await run(onggi, 'run', '-d', '--name', 'back', ...base, 'sleep', '100');
  const pid = await run(onggi, 'inspect', '--format', '{{.State.Pid}}', 'back');
  assert.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), /^0::\/user-4242\/onggi\/[0-9a-f]{64}$/m);
  assert.equal(await run(onggi, 'exec', 'back', 'cat', '/proc/self/cgroup'), '0::/');
  await run(onggi, 'rm', '--force', 'back');
});

delegationTest(
  'onggi-runtime makes its cgroup beside that of its caller, pauses and updates it',
  async ({ home, run }) => {
    const runtime = join(repository, 'dist/onggi-runtime');
    const bundle = join(home, 'bundle');
    mkdirSync(bundle);
    own(bundle);
    layOut(join(bundle, 'rootfs'));
    await run(runtime, 'spec', '--rootless', '--bundle', bundle);
    const path = join(bundle, 'config.json');
    const spec = JSON.parse(readFileSync(path, 'utf8'));
    const process = { ...spec.process, terminal: false, args: ['sleep', '100'] };
    const linux = { ...spec.linux, resources: { memory: { limit: 32 << 20 } } };
    writeFileSync(path, JSON.stringify({ ...spec, process, linux }));
    await run('/bin/sh', '-c', `${runtime} run --detach --bundle ${bundle} c >/dev/null 2>&1 </dev/null`);
    const memory = () => readFileSync(join(session, '../c/memory.max'), 'utf8').trim();
    assert.equal(memory(), String(32 << 20));
    await run(runtime, 'update', '--memory', '48M', 'c');
    assert.equal(memory(), String(48 << 20));
    await run(runtime, 'pause', 'c');
    assert.match(await run(runtime, 'list'), /paused/);
    await run(runtime, 'resume', 'c');
    assert.match(await run(runtime, 'ps', 'c'), /sleep 100/);
    await run(runtime, 'delete', '--force', 'c');
  },
);

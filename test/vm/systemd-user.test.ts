/** Containers of an ordinary user, whose own systemd keeps their cgroups. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultSpec } from '../../src/bundle/default-spec.ts';
import { layOut, repository } from '../harness/busybox-image.ts';
import { eventually, run } from '../harness/program.ts';
import { makeScratch } from '../harness/scratch.ts';

const id = 1000;
const unit = 'onggi-user-manager.service';

/** As logind starts it: with a part of the cgroups that is the user's own. @returns the directory of that part */
async function startManager(home: string): Promise<string> {
  const flags = [`--uid=${id}`, `--gid=${id}`, '-p', 'Delegate=yes', '-E', `XDG_RUNTIME_DIR=${home}`];
  const started = await run('systemd-run', [
    `--unit=${unit}`,
    '--quiet',
    '--collect',
    ...flags,
    '/lib/systemd/systemd',
    '--user',
  ]);
  assert.equal(started.status, 0, started.stderr);
  await eventually('the manager listens', () => existsSync(join(home, 'systemd/private')), 60_000);
  const { stdout } = await run('systemctl', ['show', '-P', 'ControlGroup', unit]);
  return stdout.trim();
}

test('a user has limits, updates and a scope of its own systemd', { timeout: 300_000 }, async () => {
  await using scratch = makeScratch();
  chmodSync(scratch.path, 0o755);
  const home = join(scratch.path, 'home');
  const bundle = join(home, 'bundle');
  for (const directory of [home, bundle]) {
    mkdirSync(directory, { mode: 0o700 });
    chownSync(directory, id, id);
  }
  // That of a login is beside the manager, and root's: the user may not move a process out of it.
  const session = '/sys/fs/cgroup/onggi-session';
  mkdirSync(session);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmdirSync(session));
  /** In the session, as the user. */
  const asUser = (...command: string[]): Promise<{ status: number; text: string }> => {
    const env = { PATH: process.env['PATH'] ?? '', XDG_RUNTIME_DIR: home, HOME: home };
    const child = spawn('/bin/sh', ['-c', 'read go && exec "$@" 2>&1', 'sh', ...command], {
      uid: id,
      gid: id,
      env,
      cwd: home,
    });
    writeFileSync(join(session, 'cgroup.procs'), String(child.pid));
    child.stdin.end('go\n');
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    return new Promise((done, failed) => {
      child.once('error', failed);
      child.once('close', (status) => done({ status: status ?? -1, text: text.trim() }));
    });
  };
  const ok = async (...command: string[]): Promise<string> => {
    const { status, text } = await asUser(...command);
    assert.equal(status, 0, `${command.join(' ')}: ${text}`);
    return text;
  };
  const runtime = [join(repository, 'dist/onggi-runtime'), '--root', join(home, 'state'), '--systemd-cgroup'] as const;
  layOut(join(bundle, 'rootfs'));
  const path = join(bundle, 'config.json');
  const spec = defaultSpec({ unified: true, rootless: { uid: id, gid: id } });
  const resources = { memory: { limit: 32 << 20 }, pids: { limit: 20 } };
  const linux = { ...spec.linux, cgroupsPath: 'user.slice:onggi:own', resources };
  const process_ = { ...spec.process, terminal: false, args: ['sleep', '10000'] };
  writeFileSync(path, JSON.stringify({ ...spec, process: process_, linux }));
  const detached = `${runtime.join(' ')} run --detach --bundle ${bundle} c >/dev/null 2>${home}/log </dev/null`;
  const refused = await asUser(...runtime, 'run', '--bundle', bundle, 'c');
  assert.equal(refused.status, 1);
  assert.match(refused.text, /the systemd of user 1000: nobody listens at "\/.*\/systemd\/private"/);
  assert.match(refused.text, /enable-linger.*XDG_RUNTIME_DIR.*leave --systemd-cgroup out/);
  const own = await startManager(home);
  stack.defer(async () => {
    await run('systemctl', ['kill', '--signal=KILL', unit]);
    await eventually('the manager has ended', () => !existsSync(`/sys/fs/cgroup${own}`));
  });
  await ok('/bin/sh', '-c', `${detached} || { cat ${home}/log; exit 1; }`);
  const { pid } = JSON.parse(readFileSync(join(home, 'state/c/state.json'), 'utf8')).init;
  const cgroup = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().slice('0::'.length);
  assert.equal(cgroup, `${own}/user.slice/onggi-own.scope`);
  const limit = (file: string): string => readFileSync(`/sys/fs/cgroup${cgroup}/${file}`, 'utf8').trim();
  assert.equal(limit('memory.max'), String(32 << 20));
  assert.equal(limit('pids.max'), '20');
  await ok(...runtime, 'update', '--memory', '48M', 'c');
  assert.equal(limit('memory.max'), String(48 << 20));
  // Born beside the first process, whoever asks for it.
  assert.equal(await ok(...runtime, 'exec', 'c', 'cat', '/proc/self/cgroup'), '0::/');
  // By the mark of its cgroup, which a user sets without privileges.
  for (const name of ['state.json', 'record', 'config.json']) rmSync(join(home, 'state/c', name));
  await ok(...runtime, 'delete', '--force', 'c');
  assert.equal(existsSync(`/sys/fs/cgroup${cgroup}`), false);
});

/** Debian's dockerd and podman where systemd is the init and keeps the cgroups, with onggi-runtime as their runtime. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { busyboxTar, repository } from '../harness/busybox-image.ts';
import { eventually, type Outcome, run, start } from '../harness/program.ts';
import { makeScratch, type Scratch } from '../harness/scratch.ts';

const runtimePath = join(repository, 'dist/onggi-runtime');
const cgroups = '/sys/fs/cgroup';

function show(unit: string, property: string): Promise<string> {
  return run('systemctl', ['show', '-P', property, unit]).then(({ stdout }) => stdout.trim());
}

/** What both do with a container: made, limited, entered, updated, stopped; its scope has what was asked for. */
async function live(ok: (...args: readonly string[]) => Promise<string>, unitOf: (id: string) => string) {
  const limits = ['--memory', '64m', '--pids-limit', '77', '--cpus', '0.5'];
  const id = await ok('run', '-d', '--network', 'none', ...limits, 'busybox', 'sleep', '1000');
  const unit = unitOf(id);
  const properties = ['ActiveState', 'MemoryMax', 'TasksMax', 'Delegate'];
  assert.deepEqual(await Promise.all(properties.map((name) => show(unit, name))), [
    'active',
    String(64 << 20),
    '77',
    'yes',
  ]);
  const cgroup = cgroups + (await show(unit, 'ControlGroup'));
  assert.equal(readFileSync(`${cgroup}/cpu.max`, 'utf8'), '50000 100000\n');
  assert.match(await ok('exec', id, 'cat', '/proc/self/cgroup'), /^0::\//);
  await ok('pause', id);
  assert.equal(readFileSync(`${cgroup}/cgroup.freeze`, 'utf8'), '1\n');
  await ok('unpause', id);
  await ok('update', '--memory', '96m', '--memory-swap', '96m', id);
  assert.equal(await show(unit, 'MemoryMax'), String(96 << 20));
  assert.equal(readFileSync(`${cgroup}/memory.max`, 'utf8'), `${96 << 20}\n`);
  await ok('rm', '-f', id);
  assert.equal(await show(unit, 'LoadState'), 'not-found');
  assert.equal(existsSync(cgroup), false);
}

suite('engines with systemd as the keeper of cgroups', { timeout: 300_000 }, () => {
  let scratch: Scratch;
  const at = (name: string) => join(scratch.path, name);

  before(() => {
    scratch = makeScratch();
  });

  after(() => scratch[Symbol.asyncDispose]());

  const must = (words: readonly string[], outcome: Outcome): string => {
    assert.equal(outcome.status, 0, `${words.join(' ')}: ${outcome.stderr}${outcome.stdout}`);
    return outcome.stdout.trim();
  };

  test('dockerd with native.cgroupdriver=systemd', async () => {
    for (const name of ['data', 'exec', 'client']) mkdirSync(at(name));
    const daemon = start('dockerd', [
      ...['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid'), '-H', `unix://${at('s')}`],
      ...['--bridge', 'none', '--iptables=false', '--storage-driver', 'vfs'],
      ...['--exec-opt', 'native.cgroupdriver=systemd', '--add-runtime', `onggi=${runtimePath}`],
      ...['--default-runtime', 'onggi'],
    ]);
    const env = { DOCKER_HOST: `unix://${at('s')}`, DOCKER_CONFIG: at('client') };
    const docker = (args: readonly string[]) => run('docker', args, { env });
    await eventually(
      'dockerd answers',
      async () => {
        assert.equal(daemon.child.exitCode, null, daemon.output().stderr);
        return (await docker(['version'])).status === 0;
      },
      120_000,
    );
    const ok = async (...args: readonly string[]) => must(['docker', ...args], await docker(args));
    await ok('import', await busyboxTar(), 'busybox');
    assert.match(
      await ok('info', '--format', '{{.CgroupDriver}} {{.CgroupVersion}} {{.DefaultRuntime}}'),
      /^systemd 2 onggi$/,
    );
    await live(ok, (id) => `docker-${id}.scope`);
    daemon.child.kill('SIGTERM');
    await daemon.outcome;
  });

  test('podman with --cgroup-manager systemd', async () => {
    mkdirSync('/etc/containers', { recursive: true });
    writeFileSync('/etc/containers/policy.json', '{"default":[{"type":"insecureAcceptAnything"}]}');
    const flags = [
      ...['--root', at('root'), '--runroot', at('run'), '--tmpdir', at('tmp'), '--storage-driver', 'vfs'],
      ...['--cgroup-manager', 'systemd', '--events-backend', 'file', '--runtime', runtimePath],
    ];
    const ok = async (...args: readonly string[]) =>
      must(['podman', ...args], await run('podman', [...flags, ...args]));
    await ok('import', await busyboxTar(), 'busybox');
    await live(ok, (id) => `libpod-${id}.scope`);
  });
});

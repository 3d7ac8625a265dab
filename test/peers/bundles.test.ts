/** Bundles that other programs make run as they are, and those of `onggi-runtime spec` run under other runtimes. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { layOut } from '../harness/busybox-image.ts';
import { findLeaks, snapshot } from '../harness/leaks.ts';
import { lockMachine } from '../harness/machine-lock.ts';
import { type Outcome, run } from '../harness/program.ts';
import { type Need, requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { openTerminal } from '../harness/terminal.ts';
import { type Apart, openApart } from './apart.ts';
import { assertBuilt, runtimePath } from './runtime-path.ts';

/** For crun, which refuses a machine with the v1 hierarchies and the unified one. */
const withoutUnified = `
if grep -q ' /sys/fs/cgroup/unified ' /proc/self/mountinfo; then umount /sys/fs/cgroup/unified; fi
`;

type Place = { readonly path: string; readonly apart: Apart };

function bundleTest(name: string, needs: readonly Need[], body: (place: Place) => Promise<void>): void {
  test(name, { timeout: 60_000, ...requires('root', 'python3', ...needs) }, async () => {
    assertBuilt();
    await lockMachine();
    const before = snapshot();
    {
      await using scratch = makeScratch();
      await using apart = await openApart('onggi-bundles', withoutUnified);
      await body({ path: scratch.path, apart });
    }
    assert.deepEqual(await findLeaks(before), [], 'left behind');
  });
}

/** `spec` writes config.json beside the root file system. */
async function specify({ path, apart }: Place, runtime: string, ...flags: readonly string[]): Promise<string> {
  const bundle = join(path, 'bundle');
  mkdirSync(bundle);
  layOut(join(bundle, 'rootfs'));
  const ended = await apart.run(['sh', '-c', `cd ${bundle} && exec "$@"`, 'sh', runtime, 'spec', ...flags]);
  assert.equal(ended.status, 0, ended.stderr);
  return bundle;
}

/** Such a bundle is a shell on a terminal: its exit status and what it says prove that it is the one. */
async function useShell({ path, apart }: Place, runtime: string, bundle: string): Promise<void> {
  const [enter = '', ...words] = apart.enter;
  const args = [...words, runtime, '--root', join(path, 'state'), 'run', '--bundle', bundle, 'onggi-shell'];
  await using terminal = openTerminal(enter, args);
  await terminal.expect(/# /);
  terminal.type('tty; stty size; hostname; touch /x\r');
  // crun leaves the size to the next SIGWINCH.
  await terminal.expect(runtime === 'crun' ? /\/dev\/pts\/0\s/ : /\/dev\/pts\/0\s+24 80/);
  await terminal.expect(/Read-only file system/);
  terminal.type('exit 5\r');
  assert.equal(await terminal.exit, 5);
}

/** The same bundle with another command and no terminal. */
async function useCommand({ path, apart }: Place, runtime: string, bundle: string): Promise<Outcome> {
  const file = join(bundle, 'config.json');
  const config = JSON.parse(readFileSync(file, 'utf8'));
  config.process.terminal = false;
  config.process.args = ['sh', '-c', 'id -u; pwd; echo "$PATH"; cat /proc/self/uid_map'];
  writeFileSync(file, JSON.stringify(config));
  const root = join(path, 'state');
  return await apart.run([runtime, '--root', root, 'run', '--bundle', bundle, 'onggi-command']);
}

for (const maker of ['runc', 'crun'] as const) {
  bundleTest(`what ${maker} spec writes runs under onggi-runtime`, [maker], async (place) => {
    const bundle = await specify(place, maker);
    await useShell(place, runtimePath, bundle);
    const ended = await useCommand(place, runtimePath, bundle);
    assert.equal(ended.status, 0, ended.stderr);
    assert.match(ended.stdout, /^0\n\/\n\/usr\/local\/sbin:/);
  });

  bundleTest(`what onggi-runtime spec writes runs under ${maker}`, [maker], async (place) => {
    const bundle = await specify(place, runtimePath);
    await useShell(place, maker, bundle);
    const ended = await useCommand(place, maker, bundle);
    assert.equal(ended.status, 0, ended.stderr);
    assert.match(ended.stdout, /^0\n\/\n\/usr\/local\/sbin:/);
  });
}

// That of crun has no maps: it leaves them to whoever runs it.
for (const maker of ['runc', 'crun'] as const) {
  bundleTest(
    `what ${maker} spec --rootless writes runs under onggi-runtime`,
    [maker, 'user-namespace'],
    async (place) => {
      const bundle = await specify(place, maker, '--rootless');
      const ended = await useCommand(place, runtimePath, bundle);
      assert.equal(ended.status, 0, ended.stderr);
      assert.match(ended.stdout, /^0\n\/\n.*\n +0 +0 +1\n$/);
    },
  );
}

bundleTest('what onggi-runtime spec writes runs under itself, rootless too', ['user-namespace'], async (place) => {
  const bundle = await specify(place, runtimePath);
  await useShell(place, runtimePath, bundle);
  const rootless = await place.apart.run([
    'sh',
    '-c',
    `cd ${bundle} && rm config.json && exec ${runtimePath} spec --rootless`,
  ]);
  assert.equal(rootless.status, 0, rootless.stderr);
  const ended = await useCommand(place, runtimePath, bundle);
  assert.equal(ended.status, 0, ended.stderr);
  assert.match(ended.stdout, /^0\n\/\n.*\n +0 +0 +1\n$/);
});

bundleTest('what umoci unpack makes runs under onggi-runtime', ['umoci'], async (place) => {
  const { path } = place;
  const umoci = async (...args: readonly string[]) => {
    const ended = await run('umoci', args);
    assert.equal(ended.status, 0, `umoci ${args.join(' ')}: ${ended.stderr}`);
  };
  layOut(join(path, 'tree'));
  const image = ['--image', `${join(path, 'layout')}:busybox`];
  await umoci('init', '--layout', join(path, 'layout'));
  await umoci('new', ...image);
  await umoci('insert', ...image, join(path, 'tree'), '/');
  const command = ['sh', '-c', 'id; pwd; echo $NAME'].flatMap((word) => ['--config.cmd', word]);
  const config = ['--config.user', 'app', '--config.workingdir', '/tmp', '--config.env', 'NAME=value', ...command];
  await umoci('config', ...image, ...config);
  const bundle = join(path, 'bundle');
  await umoci('unpack', ...image, bundle);
  const [enter = '', ...words] = place.apart.enter;
  const args = [...words, runtimePath, '--root', join(path, 'state'), 'run', '--bundle', bundle, 'onggi-umoci'];
  await using terminal = openTerminal(enter, args);
  await terminal.expect(/uid=1000\(app\) gid=1000\(app\) groups=50\(staff\).*\s+\/tmp\s+value/);
  assert.equal(await terminal.exit, 0);
});

/** Signals: those that `onggi run` gets and passes on, the small init of --init, the stop signal. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tarOf } from '../../src/image/testing.ts';
import { sha256 } from '../../src/oci/digest.ts';
import { eventually } from '../harness/program.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import { detached, inspect } from './container-view.ts';

const quiet = ['run', '--rm', '--network', 'none'];

async function logged(world: World, id: string, text: string): Promise<void> {
  await eventually(`"${text}" in the log`, async () => (await world.ok(['logs', id])).includes(text));
}

systemTest('signals to the command reach the container', ['busybox'], async (world) => {
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGCONT'] as const;
  const numbers = [15, 2, 1, 3, 10, 12, 14, 18];
  const running = world.start([...quiet, world.image, 'onggi-probe', 'trap', ...numbers.map(String)]);
  await running.printed(/ready\n/);
  for (const [index, signal] of signals.entries()) {
    running.child.kill(signal);
    await running.printed(new RegExp(`got ${numbers[index]}\n`));
  }
  const [id = ''] = (await world.ok(['ps', '-q'])).split('\n');
  await world.ok(['kill', id]);
  assert.equal((await running.outcome).status, 137);
});

systemTest('a container that dies of a passed signal gives 128 and its number', ['busybox'], async (world) => {
  for (const [signal, status] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const) {
    // Process 1 has no default actions, the child of --init has.
    const running = world.start([...quiet, '--init', world.image, 'onggi-probe', 'sleep']);
    await running.printed(/sleeping/);
    running.child.kill(signal);
    assert.equal((await running.outcome).status, status, signal);
  }
});

systemTest('--sig-proxy=false keeps signals away; the container goes on', ['busybox'], async (world) => {
  const running = world.start([...quiet, '--sig-proxy=false', world.image, 'onggi-probe', 'trap', '15']);
  await running.printed(/ready/);
  running.child.kill('SIGTERM');
  assert.equal((await running.outcome).signal, 'SIGTERM');
  const id = await world.ok(['ps', '-q']);
  assert.match(id, /^[0-9a-f]{12}$/);
  assert.equal(await world.ok(['logs', id]), 'ready');
  await world.ok(['rm', '-f', id]);
});

systemTest('kill -9 of the command leaves the container running', ['busybox'], async (world) => {
  const running = world.start(['run', '--name', 'left', '--network', 'none', world.image, 'onggi-probe', 'sleep']);
  await running.printed(/sleeping/);
  running.child.kill('SIGKILL');
  await running.outcome;
  assert.equal((await inspect(world, 'left')).State.Running, true);
  await world.ok(['kill', 'left']);
  assert.equal(await world.ok(['wait', 'left']), '137');
});

systemTest('--init reaps orphans; without it they stay', ['busybox'], async (world) => {
  const orphans = [world.image, 'onggi-probe', 'orphans', '20'];
  assert.equal(await world.ok([...quiet, '--init', ...orphans]), 'zombies 0');
  // The probe as process 1 gets them and does not wait for them.
  assert.equal(await world.ok([...quiet, ...orphans]), 'zombies 20');
});

systemTest('--init passes signals and the exit status on, and ends with its child', ['busybox'], async (world) => {
  assert.equal((await world.onggi([...quiet, '--init', world.image, 'onggi-probe', 'exit', '77'])).status, 77);
  assert.equal((await world.onggi([...quiet, '--init', world.image, 'onggi-probe', 'signal-self', '11'])).status, 139);
  const id = await detached(world, ['--init'], ['onggi-probe', 'trap', '10', '15', '35']);
  await logged(world, id, 'ready');
  for (const [name, number] of [
    ['USR1', 10],
    ['TERM', 15],
    ['RTMIN+1', 35],
  ] as const) {
    await world.ok(['kill', '-s', name, id]);
    await logged(world, id, `got ${number}\n`.trim());
  }
  await world.ok(['kill', id]);
  assert.equal(await world.ok(['wait', id]), '137');
  const missing = await world.onggi([...quiet, '--init', world.image, 'nosuch']);
  assert.deepEqual([missing.status, /executable file not found/.test(missing.stderr)], [127, true]);
});

/** An image as somebody else's program may have made it. */
async function loadWithSignal(world: World, layer: Buffer, signal: string, name: string): Promise<void> {
  const rootfs = { type: 'layers', diff_ids: [sha256(layer)] };
  const config = { architecture: 'amd64', os: 'linux', config: { StopSignal: signal }, rootfs };
  const archive = join(world.scratch, `${name}.tar`);
  writeFileSync(
    archive,
    tarOf(
      { name: 'config.json', content: JSON.stringify(config) },
      { name: 'layer.tar', content: layer },
      {
        name: 'manifest.json',
        content: JSON.stringify([{ Config: 'config.json', RepoTags: [`${name}:latest`], Layers: ['layer.tar'] }]),
      },
    ),
  );
  await world.ok(['load', '-i', archive]);
}

systemTest('the stop signal: --stop-signal, the image’s, SIGTERM', ['busybox'], async (world) => {
  const stopped = async (flags: readonly string[], image: string, number: number) => {
    // A shell that ends with the number of the signal it got.
    const traps = [15, 2, 10, 12].map((each) => `trap 'exit ${each}' ${each}`).join('; ');
    const command = ['sh', '-c', `${traps}; echo ready; while :; do sleep 0.05; done`];
    const id = await world.ok(['run', '-d', '--network', 'none', ...flags, image, ...command]);
    await logged(world, id, 'ready');
    await world.ok(['stop', '-t', '30', id]);
    assert.equal((await inspect(world, id)).State.ExitCode, number, `${flags} ${image}`);
  };
  const tar = await (await import('../harness/busybox-image.ts')).busyboxTar();
  await world.ok(['import', '-c', 'STOPSIGNAL SIGUSR1', tar, 'usr1']);
  await loadWithSignal(world, readFileSync(tar), 'SIGNOSUCH', 'wrong');
  await stopped([], world.image, 15);
  await stopped(['--stop-signal', 'INT'], world.image, 2);
  await stopped([], 'usr1', 10);
  await stopped(['--stop-signal', '12'], 'usr1', 12);
  // A signal that there is not, by an image: its containers can be stopped all the same.
  await stopped([], 'wrong', 15);
});

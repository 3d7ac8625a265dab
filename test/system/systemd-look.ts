/** What a container with a systemd as its first process has to show, whatever the cgroups of the machine. */
import assert from 'node:assert/strict';
import type { World } from '../harness/system-test.ts';

async function inside(world: World, ...command: string[]): Promise<string> {
  return await world.ok(['exec', 'box', ...command]);
}

/** Makes a container of the name "box". @param words the image, which has a systemd, with the flags that it needs */
export async function createBox(world: World, words: readonly string[]): Promise<void> {
  const command = ['/lib/systemd/systemd', '--unit=basic.target'];
  await world.ok(['create', '--network', 'none', '--name', 'box', ...words, ...command]);
}

/** Boots the box, looks, stops it. Busybox is in it. */
export async function lookAtSystemd(world: World): Promise<void> {
  await world.ok(['start', 'box']);
  const id = await world.ok(['inspect', '-f', '{{.Id}}', 'box']);
  // Nothing has failed, or it would be "degraded". It may not listen yet.
  const wait =
    'until [ -S /run/systemd/private ]; do sleep 0.1; done; systemctl is-system-running --wait || systemctl --failed --plain';
  assert.equal(await inside(world, 'sh', '-c', wait), 'running');
  assert.equal(await inside(world, 'sh', '-c', 'read name </proc/1/comm; echo $name'), 'systemd');
  const environment = await inside(world, 'sh', '-c', "tr '\\0' '\\n' </proc/1/environ");
  assert.match(environment, /^container=onggi$/m);
  assert.match(environment, new RegExp(`^container_uuid=${id.slice(0, 32)}$`, 'm'));
  assert.equal(await inside(world, 'systemd-detect-virt', '--container'), 'container-other');
  // Services of a cgroup each, of its own root; who joins later is where systemd itself is.
  const unit = ['systemd-run', '--quiet', '--wait', '--pipe', '--unit=one', 'cat', '/proc/self/cgroup'];
  assert.match(await inside(world, ...unit), /^(?:0:|\d+:name=systemd):\/system\.slice\/one\.service$/m);
  for (const place of ['/run', '/run/lock', '/tmp', '/var/log/journal']) {
    assert.match(
      await inside(world, 'grep', ` ${place} `, '/proc/mounts'),
      /^tmpfs \S+ tmpfs rw,(?:seclabel,)?nosuid,nodev/,
    );
  }
  // Controllers of version 1 stay as they are: only the hierarchy of systemd is written to.
  const mounts = await inside(world, 'grep', '^cgroup ', '/proc/mounts');
  const writable = mounts.split('\n').filter((line) => / rw,/.test(line));
  assert.deepEqual(
    writable.map((line) => line.split(' ')[1]),
    [/ cgroup2 /.test(mounts) ? '/sys/fs/cgroup' : '/sys/fs/cgroup/systemd'],
  );
  assert.equal(await world.ok(['inspect', '-f', '{{.Config.StopSignal}}', 'box']), 'SIGRTMIN+3');
  await world.ok(['stop', '-t', '60', 'box']);
  assert.equal(await world.ok(['inspect', '-f', '{{.State.ExitCode}}', 'box']), '0', 'it was not killed');
}

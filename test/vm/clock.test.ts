/** A clock that is set back while containers live. Only in a machine of one's own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { eventually } from '../harness/program.ts';
import { systemTest } from '../harness/system-test.ts';

function setClock(milliseconds: number): void {
  const { status, stderr } = spawnSync('date', ['-s', `@${Math.floor(milliseconds / 1000)}`]);
  assert.equal(status, 0, String(stderr));
}

systemTest('a clock that jumps back breaks no record, no restart and no log', ['cgroup-v2'], async (world) => {
  const began = Date.now();
  const run = ['run', '-d', '--network', 'none'];
  const failing = ['sh', '-c', 'echo run; sleep 0.3; exit 1'];
  await world.ok([...run, '--name', 'steady', world.image, 'sh', '-c', 'echo before; sleep 1000']);
  await world.ok([...run, '--name', 'again', '--restart', 'on-failure:3', world.image, ...failing]);
  try {
    setClock(began - 86_400_000);
    assert.match(await world.ok(['ps', '--format', '{{.Names}} {{.Status}}']), /^steady Up /m);
    assert.equal(await world.ok(['exec', 'steady', 'echo', 'there']), 'there');
    const ended = async (): Promise<boolean> =>
      (await world.ok(['inspect', '-f', '{{.State.Status}} {{.RestartCount}}', 'again'])) === 'exited 3';
    await eventually('it was tried again as often as it should be', ended, 200_000);
    assert.equal(await world.ok(['logs', 'again']), 'run\nrun\nrun\nrun');
    await world.ok(['run', '--rm', '--network', 'none', world.image, 'true']);
    await world.ok(['stop', '-t', '1', 'steady']);
    assert.match(await world.ok(['ps', '-a', '--format', '{{.Names}} {{.Status}}']), /^steady Exited \(137\)/m);
    assert.equal(await world.ok(['logs', 'steady']), 'before');
    await world.ok(['start', 'steady']);
    await world.ok(['system', 'prune', '-f']);
    await world.ok(['system', 'check']);
    await world.ok(['rm', '-f', 'steady', 'again']);
  } finally {
    setClock(Date.now() + 86_400_000);
  }
});

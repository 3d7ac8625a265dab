/** `onggi logs`: what a container has written, from any place, and followed to its end. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { eventually } from '../harness/program.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import { detached, inspect, linesOf } from './container-view.ts';

/** A container that writes a batch of lines for each file /go/N that appears, and ends at /go/end. */
async function writer(
  world: World,
  flags: readonly string[],
  batch: string,
): Promise<{ id: string; go(n: number | 'end'): void }> {
  const go = join(world.scratch, 'go');
  mkdirSync(go, { recursive: true });
  const line = `n=1; while [ ! -e /go/end ]; do if [ -e /go/$n ]; then ${batch}; n=$((n+1)); else sleep 0.01; fi; done`;
  const id = await detached(world, ['-v', `${go}:/go:ro`, ...flags], ['sh', '-c', line]);
  return { id, go: (n) => writeFileSync(join(go, String(n)), '') };
}

async function finished(world: World, ...command: string[]): Promise<string> {
  const id = await detached(world, [], command);
  await world.ok(['wait', id]);
  return id;
}

/** Whether a process has an inotify descriptor: from then on it misses nothing. */
function watches(pid: number): boolean {
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === 'anon_inode:inotify';
    } catch {
      return false;
    }
  });
}

systemTest('all of it, each stream on its own, byte for byte where it is text', ['busybox'], async (world) => {
  const script = String.raw`printf 'a \t "q" \\ caf\303\251\n\n'; printf 'err\n' >&2; printf 'bad \377 \000 nul\n'; printf 'no newline'`;
  const id = await finished(world, 'sh', '-c', script);
  const { status, stdout, stderr } = await world.onggi(['logs', id]);
  assert.equal(status, 0);
  // Bytes that are no UTF-8 can't stand in JSON: Docker's file has the same replacement.
  assert.deepEqual([stdout, stderr], ['a \t "q" \\ café\n\nbad \ufffd \0 nul\nno newline', 'err\n']);
});

systemTest('--tail counts lines from the end', ['busybox'], async (world) => {
  const id = await finished(world, 'seq', '1000');
  const tail = async (count: string) => linesOf(await world.ok(['logs', '--tail', count, id]));
  assert.deepEqual(await tail('0'), []);
  assert.deepEqual(await tail('1'), ['1000']);
  assert.deepEqual(await tail('3'), ['998', '999', '1000']);
  for (const all of ['1000', '5000', 'all', '-1']) assert.equal((await tail(all)).length, 1000, all);
  const { status, stderr } = await world.onggi(['logs', '--tail', 'abc', id]);
  assert.equal(status, 125);
  assert.match(stderr, /'abc' is neither a number of lines nor "all"/);
});

systemTest('-t, --since, --until: by the time of each line', ['busybox'], async (world) => {
  const id = await finished(world, 'sh', '-c', 'for i in 1 2 3 4; do echo $i; sleep 0.02; done');
  const stamped = linesOf(await world.ok(['logs', '-t', id]));
  const [, second = '', third = ''] = stamped.map((line) => line.split(' ')[0] ?? '');
  for (const line of stamped) assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z \d$/);
  const logs = async (...flags: string[]) => (await world.ok(['logs', ...flags, id])).replaceAll('\n', '');
  assert.equal(await logs('--since', second), '234');
  assert.equal(await logs('--until', third), '123');
  assert.equal(await logs('--since', second, '--until', third), '23');
  assert.equal(await logs('--since', String(Date.parse(third) / 1000)), '34');
  assert.equal(await logs('--since', '1h'), '1234');
  assert.equal(await logs('--until', '1h'), '');
  assert.equal(await logs('--since', '2099-01-01'), '');
  assert.equal(await logs('--since', second, '--tail', '1'), '4');
  const { status, stderr } = await world.onggi(['logs', '--since', 'abc', id]);
  assert.deepEqual(
    [status, stderr],
    [1, 'onggi: invalid value for "since": failed to parse value as time or duration: "abc"\n'],
  );
});

systemTest('following shows what was and what comes, until the end', ['busybox'], async (world) => {
  const { id, go } = await writer(world, [], 'echo batch $n; echo problem $n >&2');
  go(1);
  await eventually('the first is there', async () => (await world.ok(['logs', id])).includes('batch 1'));
  const follower = world.start(['logs', '-f', id]);
  await follower.printed(/batch 1\n/);
  const late = world.start(['logs', '--follow', '--tail', '0', '-t', id]);
  await eventually('the second watches', () => watches(late.pid));
  go(2);
  await follower.printed(/batch 2\n/);
  await late.printed(/Z batch 2\n/);
  go(3);
  await follower.printed(/batch 3\n/);
  go('end');
  const [first, second] = await Promise.all([follower.outcome, late.outcome]);
  assert.deepEqual([first.status, first.stdout], [0, 'batch 1\nbatch 2\nbatch 3\n']);
  assert.equal(first.stderr, 'problem 1\nproblem 2\nproblem 3\n');
  assert.match(second.stdout, /^\S+Z batch 2\n\S+Z batch 3\n$/);
});

systemTest('following ends at once when there is nothing to wait for', ['busybox'], async (world) => {
  const id = await finished(world, 'echo', 'done');
  assert.equal(await world.ok(['logs', '-f', id]), 'done');
  await world.ok(['create', '--name', 'new', '--network', 'none', world.image, 'true']);
  assert.equal(await world.ok(['logs', '-f', 'new']), '');
});

systemTest('following outlives neither the container’s kill nor its removal', ['busybox'], async (world) => {
  const { id, go } = await writer(world, [], 'echo here');
  const follower = world.start(['logs', '-f', id]);
  go(1);
  await follower.printed(/here/);
  await world.ok(['rm', '-f', id]);
  assert.equal((await follower.outcome).stdout, 'here\n');
});

systemTest('rotation: the newest lines stay, and a follower misses none', ['busybox'], async (world) => {
  const batch = 'i=0; while [ $i -lt 40 ]; do echo $n $i xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; i=$((i+1)); done';
  const flags = ['--log-opt', 'max-size=4k', '--log-opt', 'max-file=3'];
  const { id, go } = await writer(world, flags, batch);
  const followers = [world.start(['logs', '-f', id]), world.start(['logs', '-f', id])];
  for (let n = 1; n <= 8; n++) {
    go(n);
    for (const follower of followers) await follower.printed(new RegExp(`^${n} 39 x+$`, 'm'));
  }
  go('end');
  const expected = Array.from(
    { length: 8 * 40 },
    (_, line) => `${1 + Math.floor(line / 40)} ${line % 40} ${'x'.repeat(32)}`,
  );
  for (const follower of followers) assert.deepEqual(linesOf((await follower.outcome).stdout), expected);
  const { LogPath } = await inspect(world, id);
  assert.deepEqual(
    readdirSync(dirname(LogPath))
      .filter((name) => /^log/.test(name))
      .sort(),
    ['log', 'log.1', 'log.2'],
  );
  const kept = linesOf(await world.ok(['logs', id]));
  assert.ok(kept.length >= 40 && kept.length < expected.length, `${kept.length} lines kept`);
  assert.deepEqual(kept, expected.slice(-kept.length));
  // Across files, too.
  assert.deepEqual(linesOf(await world.ok(['logs', '--tail', '70', id])), expected.slice(-70));
});

systemTest('a line as long as you like is one line', ['busybox'], async (world) => {
  const size = 3_000_000;
  const id = await finished(world, 'sh', '-c', `head -c ${size} /dev/zero | tr '\\0' y; echo; echo next`);
  const text = await world.ok(['logs', id]);
  assert.equal(text.length, size + 1 + 'next'.length);
  assert.match(text, /^y+\nnext$/);
});

systemTest('a terminal’s output is logged as it was', ['busybox'], async (world) => {
  const id = await detached(world, ['-t'], ['sh', '-c', 'echo one; echo two >&2']);
  await world.ok(['wait', id]);
  const { stdout, stderr } = await world.onggi(['logs', id]);
  assert.deepEqual([stdout, stderr], ['one\r\ntwo\r\n', '']);
});

systemTest('what a crash left of a line is passed over', ['busybox'], async (world) => {
  const id = await finished(world, 'echo', 'before');
  const { LogPath } = await inspect(world, id);
  appendFileSync(LogPath, '{"log":"cut off\n\0\0\0\0not json\n[]\n{"log":1,"time":"x"}\n');
  await world.ok(['start', id]);
  await world.ok(['wait', id]);
  assert.equal(await world.ok(['logs', id]), 'before\nbefore');
  assert.equal(await world.ok(['logs', '--tail', '1', id]), 'before');
});

systemTest('no such container', ['busybox'], async (world) => {
  const { status, stderr } = await world.onggi(['logs', 'nosuch']);
  assert.deepEqual([status, stderr], [1, 'onggi: No such container: nosuch\n']);
});

systemTest(
  'logs of several containers: in the order of time, told apart, followed to their ends',
  ['busybox'],
  async (world) => {
    const first = await detached(world, ['--name', 'first'], ['sh', '-c', 'echo a; echo b >&2']);
    await world.ok(['wait', first]);
    const second = await detached(
      world,
      ['--name', 'second'],
      ['sh', '-c', 'echo c; while ! test -e /go; do sleep 0.02; done; echo d'],
    );
    await eventually('it has written', async () => (await world.ok(['logs', second])) === 'c');
    const [one, two] = [first.slice(0, 12), second.slice(0, 12)];
    const both = await world.onggi(['logs', 'second', 'first']);
    assert.deepEqual([both.stdout, both.stderr], [`${one} a\n${two} c\n`, `${one} b\n`]);
    assert.equal((await world.onggi(['logs', '--names', '--color', 'first'])).stdout, '\x1b[36mfirst a\x1b[0m\n');
    assert.match(await world.ok(['logs', '--details', '-t', '--tail', '1', 'second']), /^\d{4}-\S+Z {2}c$/);
    assert.equal(await world.ok(['logs', '--latest']), 'c');
    const follower = world.start(['logs', '-f', '--names', 'first', 'second']);
    await follower.printed(/second c/);
    await world.ok(['exec', second, 'sh', '-c', '>/go']);
    const { status, stdout } = await follower.outcome;
    assert.deepEqual([status, stdout.split('\n').sort()], [0, ['', 'first a', 'second c', 'second d']]);
    assert.equal((await world.onggi(['logs', 'first', 'nobody'])).status, 1);
    await world.ok(['rm', first, second]);
  },
);

/** The life of a container: create, start, end, start again, remove; also by several commands at the same time. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../harness/program.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import { connections, detached, inspect, linesOf } from './container-view.ts';

const zero = '0001-01-01T00:00:00Z';

async function create(world: World, name: string, ...command: string[]): Promise<string> {
  return await world.ok(['create', '--name', name, '--network', 'none', world.image, ...command]);
}

async function fails(world: World, args: readonly string[], status: number, message: RegExp): Promise<void> {
  const outcome = await world.onggi(args);
  assert.equal(outcome.status, status, `${args.join(' ')}: ${outcome.stdout}${outcome.stderr}`);
  assert.match(outcome.stderr, message, args.join(' '));
}

systemTest('a container keeps its writable layer over its lives', ['busybox'], async (world) => {
  const id = await create(world, 'diary', 'sh', '-c', 'echo line >>/diary; wc -l </diary; exit $(wc -l </diary)');
  assert.match(id, /^[0-9a-f]{64}$/);
  const before = await inspect(world, 'diary');
  assert.deepEqual([before.State.Status, before.State.StartedAt, before.State.FinishedAt], ['created', zero, zero]);
  for (const life of [1, 2, 3]) {
    const { status, stdout } = await world.onggi(['start', '-a', 'diary']);
    assert.deepEqual([status, stdout], [life, `${life}\n`]);
    const { State } = await inspect(world, id);
    assert.deepEqual([State.Status, State.ExitCode, State.Running, State.Pid], ['exited', life, false, 0]);
    assert.ok(Date.parse(State.StartedAt) <= Date.parse(State.FinishedAt), `${State.StartedAt} ${State.FinishedAt}`);
  }
  // All lives share one log, as with Docker.
  assert.equal(await world.ok(['logs', 'diary']), '1\n2\n3');
  assert.equal(await world.ok(['start', 'diary']), 'diary');
  assert.equal(await world.ok(['wait', 'diary']), '4');
});

systemTest('starting what runs does nothing, attaching to it works', ['busybox'], async (world) => {
  await create(
    world,
    'up',
    'sh',
    '-c',
    'echo started; while [ ! -e /end ]; do echo tick; sleep 0.02; done; echo end; exit 6',
  );
  assert.equal(await world.ok(['start', 'up']), 'up');
  const { State } = await inspect(world, 'up');
  assert.equal(await world.ok(['start', 'up']), 'up');
  assert.equal((await inspect(world, 'up')).State.Pid, State.Pid);
  const attached = world.start(['start', '-a', 'up']);
  // Attached before it ends: otherwise the command would start it again.
  await attached.printed(/tick\n/);
  await world.ok(['exec', 'up', 'touch', '/end']);
  const { status, stdout } = await attached.outcome;
  assert.equal(status, 6);
  assert.match(stdout, /^(tick\n)+end\n$/);
  assert.match(await world.ok(['logs', 'up']), /^started\n(tick\n)+end$/);
});

systemTest('several of them in one command; what fails does not stop the rest', ['busybox'], async (world) => {
  await create(world, 'one', 'true');
  await create(world, 'two', 'sh', '-c', 'exit 2');
  const started = await world.onggi(['start', 'one', 'nosuch', 'two']);
  assert.deepEqual([started.status, started.stdout], [1, 'one\ntwo\n']);
  assert.match(started.stderr, /^onggi: No such container: nosuch\n$/);
  assert.equal(await world.ok(['wait', 'two', 'one']), '2\n0');
  await fails(world, ['start', '-a', 'one', 'two'], 1, /you cannot start and attach multiple containers at once/);
  // A variable that is not set must not pass for a container that is gone.
  await fails(world, ['rm', '-f', ''], 1, /^onggi: invalid container name or ID: value is empty\n$/);
  const removed = await world.onggi(['rm', 'one', 'nosuch', 'two']);
  assert.deepEqual([removed.status, removed.stdout], [1, 'one\ntwo\n']);
});

systemTest('stop: by the stop signal, else by SIGKILL after the timeout', ['busybox'], async (world) => {
  const trap = ['sh', '-c', 'trap "echo bye; exit 9" TERM; echo ready; while :; do sleep 0.02; done'];
  const polite = await detached(world, [], trap);
  await eventually('it listens', async () => (await world.ok(['logs', polite])) === 'ready');
  assert.equal(await world.ok(['stop', polite]), polite);
  assert.deepEqual(
    [(await inspect(world, polite)).State.ExitCode, await world.ok(['logs', polite])],
    [9, 'ready\nbye'],
  );
  // Process 1 without a handler does not hear SIGTERM.
  const deaf = await detached(world, [], ['onggi-probe', 'sleep']);
  await world.ok(['stop', '-t', '0', deaf]);
  assert.equal((await inspect(world, deaf)).State.ExitCode, 137);
  const late = await detached(world, ['--stop-timeout', '1'], ['onggi-probe', 'sleep']);
  const began = Date.now();
  await world.ok(['stop', late]);
  assert.ok(Date.now() - began >= 1000);
  assert.equal((await inspect(world, late)).State.ExitCode, 137);
  // What has ended, or never began, is stopped.
  await create(world, 'new', 'true');
  assert.equal(await world.ok(['stop', deaf, 'new']), `${deaf}\nnew`);
  await fails(world, ['stop', 'nosuch'], 1, /^onggi: No such container: nosuch\n/);
});

systemTest('kill: any signal, only to what runs', ['busybox'], async (world) => {
  const id = await detached(world, ['--init'], ['onggi-probe', 'sleep']);
  for (const [signal, message] of [
    ['NOSUCH', /signal "NOSUCH": no such signal/],
    ['0', /signal "0": no such signal/],
    ['65', /signal "65": no such signal/],
  ] as const) {
    await fails(world, ['kill', '-s', signal, id], 1, message);
  }
  await world.ok(['kill', '-s', 'WINCH', id]);
  assert.equal((await inspect(world, id)).State.Running, true);
  assert.equal(await world.ok(['kill', '-s', 'sigterm', id]), id);
  assert.equal(await world.ok(['wait', id]), '143');
  await fails(world, ['kill', id], 1, /it is not running/);
});

systemTest('rm: refused while it runs, -f kills first, -f of nothing is no failure', ['busybox'], async (world) => {
  const id = await detached(world, ['--name', 'busy'], ['onggi-probe', 'sleep']);
  await fails(world, ['rm', 'busy'], 1, /cannot remove container "busy": container is running\n.*-f/);
  assert.equal((await inspect(world, 'busy')).State.Running, true);
  assert.equal(await world.ok(['rm', '-f', 'busy']), 'busy');
  assert.ok(!existsSync(join(world.root, 'containers', id)));
  await fails(world, ['rm', 'busy'], 1, /^onggi: No such container: busy\n/);
  const forced = await world.onggi(['rm', '-f', 'busy']);
  assert.deepEqual([forced.status, forced.stdout], [0, '']);
  // Nothing of it is left in the store.
  assert.deepEqual(readdirSync(join(world.root, 'containers')), []);
});

systemTest('a name has one owner at a time', ['busybox'], async (world) => {
  const id = await create(world, 'name', 'true');
  const taken = new RegExp(`^onggi: Conflict. The container name "/name" is already in use by container "${id}"`);
  await fails(world, ['create', '--name', 'name', world.image, 'true'], 1, taken);
  await fails(world, ['run', '--rm', '--name', '/name', world.image, 'true'], 125, taken);
  assert.equal(linesOf(await world.ok(['ps', '-aq'])).length, 1);
  await world.ok(['rm', '/name']);
  assert.notEqual(await create(world, 'name', 'true'), id);
});

systemTest(
  'a container is found by id, name and the beginning of its id, in this order',
  ['busybox'],
  async (world) => {
    const ids = [await create(world, 'first', 'true')];
    // 17 ids: two of them begin with the same digit.
    for (let count = 1; count < 17; count++) ids.push(await create(world, `more${count}`, 'true'));
    const [first = ''] = ids;
    const name = async (ref: string) => (await inspect(world, ref)).Name;
    for (const ref of [first, first.slice(0, 12), 'first', '/first']) assert.equal(await name(ref), '/first');
    const shared = ids.map((id) => id.slice(0, 1)).find((digit, index, all) => all.indexOf(digit) !== index) ?? '';
    await fails(world, ['stop', shared], 1, new RegExp(`container "${shared}": several ids begin so: [0-9a-f]{12}, `));
    // A name counts more than a beginning.
    const named = await create(world, first.slice(0, 12), 'true');
    assert.equal((await inspect(world, first.slice(0, 12))).Id, named);
    await fails(world, ['stop', first.toUpperCase()], 1, /No such container/);
    await fails(world, ['stop', ''], 1, /invalid container name or ID: value is empty/);
  },
);

systemTest('two starts at the same time make one container run once', ['busybox'], async (world) => {
  await create(world, 'both', 'sh', '-c', 'echo life; exec onggi-probe sleep');
  const outcomes = await Promise.all(Array.from({ length: 4 }, () => world.onggi(['start', 'both'])));
  for (const { status, stderr } of outcomes) assert.equal(status, 0, stderr);
  await eventually('it has begun', async () => (await world.ok(['logs', 'both'])).includes('sleeping'));
  assert.equal(await world.ok(['logs', 'both']), 'life\nsleeping');
});

systemTest('commands that want opposite things leave the truth', ['busybox'], async (world) => {
  for (let round = 0; round < 5; round++) {
    await create(world, 'torn', 'onggi-probe', 'sleep');
    const outcomes = await Promise.all([
      world.onggi(['start', 'torn']),
      world.onggi(['rm', '-f', 'torn']),
      world.onggi(['stop', '-t', '0', 'torn']),
      world.onggi(['inspect', 'torn']),
      world.onggi(['ps', '-a']),
    ]);
    // Each did it or came too late; nobody met a defect.
    for (const { stderr } of outcomes) {
      // A start may also find that its init was killed under its hands.
      assert.match(
        stderr,
        /^(onggi: (No such (container|object): .*|container ".*" is .*|start container: .*)\n(.*\n)?)?$/,
      );
    }
    await world.onggi(['rm', '-f', 'torn']);
    assert.equal(await world.ok(['ps', '-aq']), '');
  }
});

systemTest('twenty at the same time', ['busybox', 'bridge', 'veth', 'nf_tables'], async (world) => {
  const numbers = Array.from({ length: 20 }, (_, number) => number);
  const line = 'ip -4 -o addr show eth0 | awk "{print \\$4}"';
  const outcomes = await Promise.all(
    numbers.map((number) =>
      world.onggi(['run', '--name', `many${number}`, world.image, 'sh', '-c', `${line}; exit ${number}`]),
    ),
  );
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    numbers,
    outcomes.map(({ stderr }) => stderr).join(''),
  );
  for (const { stdout } of outcomes) assert.match(stdout, /^10\.\d+\.\d+\.\d+\/16\n$/);
  assert.equal(linesOf(await world.ok(['ps', '-aq'])).length, 20);
  const removed = await world.ok(['rm', ...numbers.map((number) => `many${number}`)]);
  assert.equal(linesOf(removed).length, 20);
});

systemTest('wait waits, for several, and tells each its status', ['busybox'], async (world) => {
  const ids = await Promise.all(
    [3, 0].map((status) =>
      detached(world, [], ['sh', '-c', `while [ ! -e /end ]; do sleep 0.02; done; exit ${status}`]),
    ),
  );
  const waiting = world.start(['wait', ...ids]);
  for (const id of ids) await world.ok(['exec', id, 'touch', '/end']);
  assert.deepEqual(await waiting.outcome, { status: 0, signal: null, stdout: '3\n0\n', stderr: '' });
  // One that is removed at its end is told, too.
  for (const condition of ['not-running', 'removed']) {
    const gone = await detached(world, ['--rm'], ['sh', '-c', 'while [ ! -e /end ]; do sleep 0.02; done; exit 4']);
    const told = world.start(['wait', '--condition', condition, gone]);
    await eventually('it is connected', () => told.child.exitCode !== null || connections(told.pid) > 0);
    await world.ok(['exec', gone, 'touch', '/end']);
    assert.equal((await told.outcome).stdout, '4\n', condition);
    if (condition === 'removed') assert.equal(await world.ok(['ps', '-aq', '--filter', `id=${gone}`]), '');
  }
  await create(world, 'new', 'true');
  assert.equal(await world.ok(['wait', 'new']), '0');
  await fails(world, ['wait', 'nosuch'], 1, /^onggi: No such container: nosuch\n/);
});

systemTest('ps tells the state of each', ['busybox'], async (world) => {
  await create(world, 'made', 'true');
  await world.onggi(['run', '--name', 'ended', '--network', 'none', world.image, 'sh', '-c', 'exit 3']);
  await detached(world, ['--name', 'lives'], ['onggi-probe', 'sleep']);
  const rows = await world.ok(['ps', '-a', '--format', '{{.Names}}|{{.Image}}|{{.State}}|{{.Status}}']);
  const [lives = '', ended = '', made = ''] = linesOf(rows);
  assert.match(lives, /^lives\|busybox\|running\|Up (Less than a second|\d+ seconds?)$/);
  assert.match(ended, /^ended\|busybox\|exited\|Exited \(3\) (Less than a second|\d+ seconds?) ago$/);
  assert.equal(made, 'made|busybox|created|Created');
  assert.equal(await world.ok(['ps', '--format', '{{.Names}}']), 'lives');
  assert.equal(await world.ok(['ps', '-a', '--filter', 'status=exited', '--format', '{{.Names}}']), 'ended');
  assert.equal(await world.ok(['ps', '-a', '--filter', 'exited=3', '--format', '{{.Names}}']), 'ended');
});

systemTest(
  "ps believes a shim's claim that its container lives, and looks itself where there is none",
  ['busybox'],
  async (world) => {
    const id = await detached(world, ['--name', 'lives'], ['onggi-probe', 'sleep']);
    const lock = join(world.root, 'containers', id, 'shim.lock');
    // move_pages(2), which tells that the process lives, came with the kernel's knowledge of memory nodes.
    if (existsSync('/sys/devices/system/node')) {
      renameSync(lock, `${lock}.away`);
      assert.equal(await world.ok(['ps', '--format', '{{.Names}}']), 'lives');
      renameSync(`${lock}.away`, lock);
    }
    rmSync(join(world.root, 'run/locks/alive'));
    assert.equal(await world.ok(['ps', '--format', '{{.Names}}']), 'lives');
    await world.ok(['kill', 'lives']);
    await world.ok(['wait', 'lives']);
    assert.equal(await world.ok(['ps', '-q']), '');
  },
);

systemTest(
  'restart: another process in the same container; also of one that was to be removed',
  ['busybox'],
  async (world) => {
    const sleeper = ['sh', '-c', 'echo up; trap "exit 3" TERM; while :; do sleep 0.02; done'];
    const id = await detached(world, ['--name', 'again', '--rm'], sleeper);
    await eventually('it listens', async () => (await world.ok(['logs', id])) === 'up');
    const before = (await inspect(world, id)).State;
    assert.equal(await world.ok(['restart', 'again']), 'again');
    const after = (await inspect(world, id)).State;
    assert.deepEqual([before.Running, after.Running], [true, true]);
    assert.notEqual(after.StartedAt, before.StartedAt);
    await eventually('it is up again', async () => (await world.ok(['logs', id])) === 'up\nup');
    await world.ok(['stop', 'again']);
    await fails(world, ['inspect', 'again'], 1, /No such/);
    await create(world, 'new', 'true');
    assert.equal(await world.ok(['restart', 'new']), 'new');
    assert.equal(await world.ok(['wait', 'new']), '0');
    await fails(world, ['restart', '-s', 'NOSUCH', 'new'], 1, /NOSUCH/);
  },
);

systemTest('rename: in any state, to a name that is free', ['busybox'], async (world) => {
  const id = await detached(world, ['--name', 'old'], ['onggi-probe', 'sleep']);
  await create(world, 'other', 'true');
  assert.equal(await world.ok(['rename', 'old', 'fresh']), '');
  assert.equal((await inspect(world, 'fresh')).Id, id);
  await fails(world, ['inspect', 'old'], 1, /No such/);
  await fails(world, ['rename', 'fresh', 'other'], 1, /The container name "\/other" is already in use/);
  await fails(world, ['rename', 'fresh', 'a b'], 1, /Invalid container name/);
  await fails(world, ['rename', 'fresh', 'fresh'], 1, /it has that name already/);
  await world.ok(['rm', '-f', 'fresh', 'other']);
});

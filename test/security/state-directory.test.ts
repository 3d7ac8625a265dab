/**
 * Class O: state that others can reach. A record of a container says which processes are killed, which cgroups are
 * removed and which hooks are run, so it must be the caller's own; and what is named by a caller must stay below.
 */
import assert from 'node:assert/strict';
import {
  chmodSync,
  cpSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { start } from '../harness/program.ts';
import { type RuntimeWorld, runtimeTest } from '../harness/runtime-test.ts';

const id = 'onggi-state';

/** No names: paths, links to paths, flags, lines. */
const noNames = [
  '..',
  '.',
  '../victim',
  '/etc',
  'a/b',
  'a\nb',
  'a b',
  '\u001b[2J',
  '%2e%2e',
  'ü',
  'x'.repeat(256),
  `..${'/..'.repeat(20)}/etc`,
];

runtimeTest('a name that is a path reaches nothing', [], async (world) => {
  const victim = join(world.scratch, 'victim');
  mkdirSync(victim);
  writeFileSync(join(victim, 'state.json'), '{}');
  const bundle = world.bundle({ args: ['true'] });
  for (const name of noNames) {
    const calls = [
      ['create', '-b', bundle, name],
      ['delete', '--force', name],
      ['kill', name, 'KILL'],
      ['exec', name, 'true'],
    ];
    for (const args of calls) {
      const { status, stderr } = await world.runtime(args);
      assert.notEqual(status, 0, args.join(' '));
      assert.match(stderr, /invalid container ID format|container id/i, args.join(' '));
      assert.equal(stderr.includes('\u001b'), false);
    }
  }
  assert.deepEqual(readdirSync(victim), ['state.json']);
  assert.equal(existsSync(world.root), false, 'nothing was made for them');
});

runtimeTest('of many that make a container of one name, one does', [], async (world) => {
  const bundle = world.bundle({ args: ['sleep', '100'] });
  for (let round = 0; round < 4; round += 1) {
    const [command = '', ...global] = world.command;
    const script = 'exec "$@" >/dev/null 2>"$0" </dev/null';
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, async (_, one) => {
        const log = join(world.scratch, `log-${round}-${one}`);
        const { status } = await start('sh', ['-c', script, log, command, ...global, 'create', '-b', bundle, id])
          .outcome;
        return { status, stderr: readFileSync(log, 'utf8') };
      }),
    );
    assert.equal(outcomes.filter(({ status }) => status === 0).length, 1, JSON.stringify(outcomes));
    for (const { status, stderr } of outcomes) if (status !== 0) assert.match(stderr, /already exists/);
    assert.equal((await world.state(id)).status, 'created');
    await Promise.all(Array.from({ length: 3 }, () => world.runtime(['delete', '--force', id])));
    assert.deepEqual(readdirSync(world.root), []);
  }
});

/** A process that no container knows, with what a record would say of it. */
async function withStranger(body: (pid: number, startTime: string) => Promise<void>): Promise<void> {
  const stranger = start('sleep', ['100']);
  try {
    const fields = readFileSync(`/proc/${stranger.pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    await body(stranger.pid, fields[19] ?? '');
    assert.equal(stranger.child.exitCode ?? stranger.child.signalCode, null, 'the stranger was killed');
  } finally {
    stranger.child.kill('SIGKILL');
    await stranger.outcome;
  }
}

/** The record of a real container, with another process and a hook. */
async function plant(
  world: RuntimeWorld,
  directory: string,
  pid: number,
  startTime: string,
  mark: string,
): Promise<void> {
  await world.detached(id, { args: ['sleep', '100'] });
  cpSync(join(world.root, id), directory, { recursive: true, filter: (path) => !/(start|notify|record)$/.test(path) });
  await world.ok(['delete', '--force', id]);
  const state = JSON.parse(readFileSync(join(directory, 'state.json'), 'utf8')) as Record<string, unknown>;
  const changed = { ...state, id, init: { pid, startTime }, poststop: true };
  writeFileSync(join(directory, 'state.json'), JSON.stringify(changed));
  symlinkSync(JSON.stringify(changed), join(directory, 'record'));
  const config = JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8')) as Record<string, unknown>;
  const hooks = { poststop: [{ path: '/bin/sh', args: ['sh', '-c', `touch ${mark}`] }] };
  writeFileSync(join(directory, 'config.json'), JSON.stringify({ ...config, hooks }));
}

const uses = [
  ['delete', '--force', id],
  ['delete', id],
  ['kill', id, 'KILL'],
  ['exec', id, 'true'],
  ['pause', id],
  ['update', '--pids-limit', '5', id],
  ['start', id],
];

runtimeTest('a record that another user has planted is not believed', [], async (world) => {
  await withStranger(async (pid, startTime) => {
    const [planted, mark] = [join(world.scratch, 'planted'), join(world.scratch, 'mark')];
    await plant(world, planted, pid, startTime, mark);
    const place = join(world.root, id);
    mkdirSync(world.root, { recursive: true });
    chmodSync(world.root, 0o1777);
    cpSync(planted, place, { recursive: true, verbatimSymlinks: true });
    for (const name of ['', ...readdirSync(place)]) lchownSync(join(place, name), 1000, 1000);
    for (const args of uses) {
      const { status, stderr } = await world.runtime(args);
      assert.notEqual(status, 0, args.join(' '));
      assert.match(stderr, /it belongs to user 1000/, args.join(' '));
    }
    const listed = await world.runtime(['list', '-q']);
    assert.deepEqual([listed.status, listed.stdout], [0, '']);
    // With the copy of the record alone.
    rmSync(join(place, 'state.json'));
    for (const args of uses) await world.runtime(args);
    assert.equal(existsSync(mark), false, 'its hook was run');
    assert.equal(statSync(place).uid, 1000, 'it is still there');
    rmSync(place, { recursive: true });
    // By a link, which may be the caller's own as far as its owner goes.
    symlinkSync(planted, place);
    for (const args of uses) await world.runtime(args);
    assert.equal(existsSync(join(planted, 'state.json')), true);
    assert.equal(existsSync(mark), false, 'its hook was run');
    rmSync(place);
  });
});

runtimeTest("files of a caller's choice are put in place of links, not written through them", [], async (world) => {
  const victim = join(world.scratch, 'victim');
  const pidFile = join(world.scratch, 'pid');
  writeFileSync(victim, 'HOST');
  symlinkSync(victim, pidFile);
  await world.detached(id, { args: ['sleep', '100'] }, ['--pid-file', pidFile]);
  assert.equal(readFileSync(victim, 'utf8'), 'HOST');
  assert.match(readFileSync(pidFile, 'utf8'), /^\d+$/);
  await world.ok(['delete', '--force', id]);
});

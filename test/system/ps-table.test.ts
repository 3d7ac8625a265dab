/**
 * `ps` without flags prints a table that the engine makes of the rows (src/engine/listing/table.ts); with a template of the
 * same columns it makes it of summaries. Both must be the same, whatever a container has.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { containerListing, containerTable } from '../../src/cli/format/container-row.ts';
import { durationSteps, humanDuration } from '../../src/cli/format/human-duration.ts';
import { makeContext } from '../../src/engine/context.ts';
import { upContainersTable } from '../../src/engine/listing/table.ts';
import { addon } from '../../src/kernel/addon.ts';
import { execute } from '../../src/store/database.ts';
import { repository } from '../harness/busybox-image.ts';
import { run } from '../harness/program.ts';
import { binary, systemTest, type World } from '../harness/system-test.ts';
import { randomOf } from './truth.ts';

const minute = 60_000;
const hour = 60 * minute;
const forever = ['sleep', '3600'];

const bySummaries = ['ps', '--format', `table ${containerListing.table}`];

type Row = { readonly flags: readonly string[]; readonly command: readonly string[]; readonly age: number };

const rows: readonly Row[] = [
  { flags: ['--network', 'none'], command: forever, age: 30 * minute },
  { flags: ['--network', 'none', '--expose', '99'], command: forever, age: 5 * hour },
  { flags: ['--expose', '100-102/udp', '--expose', '7'], command: forever, age: 100 * hour },
  { flags: ['-p', '127.0.0.1:18080:80', '-p', '127.0.0.1:18081-18083:81-83'], command: forever, age: 40 * 24 * hour },
  { flags: ['--network', 'host'], command: ['sh', '-c', 'sleep 3600'], age: 90 * 24 * hour },
  { flags: ['--network', 'none', '--no-healthcheck'], command: ['sleep', '36000000000000'], age: 3000 * 24 * hour },
  {
    flags: ['--network', 'none'],
    command: ['sh', '-c', 'sleep 3600; true; true; true; true; true; true; true; true; true'],
    age: 50,
  },
];

/** What a list shows of a container and its row doesn't tell. */
const told: Readonly<Record<string, Pick<Row, 'flags' | 'command'>>> = {
  'a health check': { flags: ['--health-cmd', 'true', '--health-interval', '1h'], command: forever },
  'a command with a quote': { flags: [], command: ['sh', '-c', 'echo "x"; sleep 3600'] },
  'a command with a backslash': { flags: [], command: ['sh', '-c', 'sleep 3600\\\n'] },
  'a command that is not ASCII': { flags: [], command: ['sh', '-c', ': 옹기; sleep 3600'] },
};

/** Runs it, and sets its times back by an age that is far from where its words change. */
async function running(world: World, name: string, { flags, command, age }: Row): Promise<void> {
  await world.ok(['run', '-d', '--name', name, ...flags, world.image, ...command]);
  const context = makeContext({ root: world.root });
  const set = `created = created - ${age}, started_at = started_at - ${Math.floor(age / 2.1)}`;
  execute(context.store.database, `UPDATE containers SET ${set} WHERE name = '${name}'`);
  context.close();
}

async function madeByRows(world: World): Promise<string | undefined> {
  const context = makeContext({ root: world.root });
  try {
    return await upContainersTable(context, containerTable(Date.now()));
  } finally {
    context.close();
  }
}

/** Words of times change between two looks now and then: for once both have to be the same. */
async function same(world: World, about: string): Promise<string> {
  for (let attempt = 0; ; attempt += 1) {
    const [byRows, expected] = [await world.ok(['ps']), await world.ok(bySummaries)];
    if (byRows === expected) return byRows;
    if (attempt === 4) assert.equal(byRows, expected, about);
  }
}

systemTest('the table of rows is that of summaries', [], async (world) => {
  assert.match(await same(world, 'none'), /^CONTAINER ID {3}IMAGE {5}COMMAND {3}CREATED {3}STATUS {4}PORTS {5}NAMES$/);
  for (const [index, row] of rows.entries()) {
    await running(world, `c${index}`, row);
    const table = await same(world, row.flags.join(' '));
    assert.equal(table, (await madeByRows(world))?.trimEnd());
    assert.equal(table.split('\n').length, index + 2);
  }
  await world.ok(['pause', 'c1']);
  assert.match(await same(world, 'paused'), /Up 2 hours \(Paused\) /);
  await world.ok(['rename', 'c0', 'a-name-that-is-longer-than-those-of-the-others']);
  await world.ok(['kill', 'c2']);
  await world.ok(['restart', '-t', '0', 'c3']);
  const table = await same(world, 'changed');
  assert.match(table, /127\.0\.0\.1:18080->80\/tcp/);
  assert.doesNotMatch(table, / c2$/m);
  await world.ok(['rm', '-f', ...(await world.ok(['ps', '-aq'])).trim().split('\n')]);
});

for (const [what, { flags, command }] of Object.entries(told)) {
  systemTest(`${what} is told by summaries alone`, [], async (world) => {
    await running(world, 'plain', { flags: ['--network', 'none'], command: forever, age: 30 * minute });
    assert.notEqual(await madeByRows(world), undefined);
    await running(world, 'told', { flags: ['--network', 'none', ...flags], command, age: 30 * minute });
    assert.equal(await madeByRows(world), undefined);
    await same(world, what);
    await world.ok(['kill', 'told']);
    assert.notEqual(await madeByRows(world), undefined);
    await world.ok(['rm', '-f', 'plain', 'told']);
  });
}

systemTest('one that waits for its next start is told by summaries alone', [], async (world) => {
  await world.ok(['run', '-d', '--name', 'c1', '--network', 'none', '--restart', 'always', world.image, 'false']);
  for (let attempt = 0; (await madeByRows(world)) !== undefined; attempt += 1) assert.ok(attempt < 200);
  assert.match(await world.ok(['ps']), / c1$/);
  await world.ok(['rm', '-f', 'c1']);
});

systemTest('containers of a store from before there were such rows are told by summaries', [], async (world) => {
  await running(world, 'c1', { flags: ['--network', 'none'], command: forever, age: 30 * minute });
  const context = makeContext({ root: world.root });
  execute(context.store.database, 'UPDATE containers SET listed_command = NULL');
  context.close();
  assert.equal(await madeByRows(world), undefined);
  assert.match(await same(world, 'NULL'), /"sleep 3600" .* c1$/);
  await world.ok(['rm', '-f', 'c1']);
});

systemTest(
  'whoever may start no thread, or choose none a processor, lists all the same',
  ['python3'],
  async (world) => {
    for (const name of ['c1', 'c2']) {
      await world.ok(['run', '-d', '--name', name, '--network', 'none', world.image, ...forever]);
    }
    const denying = join(repository, 'test/harness/deny-calls.py');
    for (const calls of ['sched_setaffinity', 'sched_setaffinity,clone3,clone']) {
      const { status, stdout, stderr } = await run('python3', [
        denying,
        calls,
        binary,
        '--root',
        world.root,
        'ps',
        '-q',
      ]);
      assert.deepEqual([status, stdout.trim().split('\n').length, stderr], [0, 2, ''], calls);
    }
    await world.ok(['rm', '-f', 'c1', 'c2']);
  },
);

test('lengths of time are the same words in both', () => {
  const steps = containerTable(0).durations.map((step) =>
    step.each === undefined
      ? `${step.below} 0 0 ${step.words}`
      : `${step.below} ${step.each} ${step.early} ${step.words}`,
  );
  const now = 100 * 365 * 24 * hour;
  const random = randomOf(1);
  const lengths = durationSteps.slice(0, -1).flatMap(({ below }) => [below - 1, below, below + 1]);
  for (let count = 0; count < 2000; count += 1) lengths.push(Math.floor(2 ** (random() * 41)));
  const lines = lengths.map((length) => `\x01${now - length}\x02`).join('\n');
  assert.deepEqual(addon().table(lines, now, 0, 0, steps).trimEnd().split('\n'), lengths.map(humanDuration));
});

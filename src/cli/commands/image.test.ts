import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeCalls, fakeImage, fakeTerminal, fixedNow, runFake } from '../testing.ts';

test('tag and history pass on what was asked', async () => {
  const { calls, record } = fakeCalls();
  const step = { id: null, tags: [], created: fixedNow, createdBy: 'RUN', author: '', comment: '', size: 5 };
  const images = { tag: record('tag', () => undefined), history: record('history', () => [step]) };
  const run = (...argv: string[]) => runFake(argv, { engine: { images } });
  assert.deepEqual([(await run('tag', 'a', 'b:2')).stdout, (await run('image', 'tag', 'a', 'c')).status], ['', 0]);
  assert.equal((await run('history', '--format', '{{.CreatedBy}} {{.Size}}', 'a')).stdout, 'RUN 5B\n');
  assert.equal((await run('history', '-H=false', '-q', 'a')).stdout, '<missing>\n');
  assert.equal((await run('history', '--platform', 'nowhere/at/all/here', 'a')).status, 125);
  assert.deepEqual(calls, ['tag a "b:2"', 'tag a "c"', 'history a ', 'history a ']);
});

test('images --tree shows what lies behind a name', async () => {
  const content = async () => ({ platform: 'linux/amd64', contentSize: 3_000_000 });
  const images = { list: async () => [{ ...fakeImage, containers: 1 }], content };
  const run = (...argv: string[]) => runFake(['images', ...argv], { engine: { images } });
  assert.equal(
    (await run('--tree')).stdout,
    'IMAGE            ID             DISK USAGE   CONTENT SIZE   IN USE\n' +
      'alpine:latest    cdcdcdcdcdcd   10MB         3MB            ✔\n' +
      'alpine:3         cdcdcdcdcdcd   10MB         3MB            ✔\n' +
      '└─ linux/amd64   cdcdcdcdcdcd   10MB         3MB            ✔\n',
  );
  for (const flag of ['-q', '--no-trunc', '--digests', '--format=json']) {
    assert.match((await run('--tree', flag)).stderr, /is not yet supported with --tree/, flag);
  }
});

test('image prune asks before it removes', async () => {
  const asked: unknown[] = [];
  const prune = async (options: unknown) => {
    asked.push(options);
    return [{ untagged: ['a:1'], deleted: [fakeImage.id, 'sha256:2'], reclaimed: 1_500_000 }];
  };
  const run = (argv: readonly string[], ...input: string[]) =>
    runFake(['image', 'prune', ...argv], { engine: { images: { prune } }, input });
  const yes = await run([], 'y\n');
  assert.equal(
    yes.stdout,
    'WARNING! This will remove all dangling images.\nAre you sure you want to continue? [y/N] ' +
      `Deleted Images:\nuntagged: a:1\ndeleted: ${fakeImage.id}\ndeleted: sha256:2\n\nTotal reclaimed space: 1.5MB\n`,
  );
  for (const input of ['n\n', '', 'sure\n']) {
    const no = await run(['-a'], input);
    assert.deepEqual([no.status, no.stderr, no.stdout.endsWith('[y/N] ')], [0, '', true], input);
  }
  await run(['-af', '--filter', 'until=1h']);
  await run(['-f', '--filter', 'dangling=false']);
  assert.deepEqual(asked, [{ all: false }, { all: true, before: fixedNow - 3600_000 }, { all: true }]);
});

test('a terminal is asked, too', async () => {
  async function* keys() {
    yield Buffer.from('Y');
    yield Buffer.from('\nmore');
  }
  const images = { prune: async () => [] };
  const { stdout } = await runFake(['image', 'prune'], { engine: { images }, input: keys(), terminal: fakeTerminal });
  assert.match(stdout, /\[y\/N\] Total reclaimed space: 0B\n$/);
});

test('system check says what is wrong, what was done, and ends with 1 while something is', async () => {
  const asked: unknown[] = [];
  const run = async (outcome: 'found' | 'repaired' | 'left' | null, ...flags: string[]) => {
    const findings =
      outcome === null ? [] : [{ damage: 'blob x is missing', outcome, says: 'fetched \u001b[2J again' }];
    const check = async (options: unknown) => {
      asked.push(options);
      return { findings, garbage: ['/a'] };
    };
    const { status, stdout } = await runFake(['system', 'check', ...flags], { engine: { system: { check } } });
    return [status, stdout];
  };
  const garbage = 'removed 1 unfinished thing\n';
  assert.deepEqual(await run(null), [0, `${garbage}everything is whole\n`]);
  assert.deepEqual(await run('found', '-q'), [1, `blob x is missing\n${garbage}`]);
  const done = (outcome: string) => `blob x is missing: ${outcome}: fetched \\x1b[2J again\n${garbage}`;
  assert.deepEqual(await run('repaired', '-r'), [0, done('repaired')]);
  assert.deepEqual(await run('left', '--repair', '-f'), [1, done('left')]);
  assert.deepEqual(asked[3], { quick: false, repair: true, force: true });
});

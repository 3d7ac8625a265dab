import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeContainer, notFound, runFake } from '../testing.ts';

test('wait --condition looks until the container is in one of the states', async () => {
  const states = ['created', 'running', 'paused', 'exited'] as const;
  let looks = 0;
  const get = async () => fakeContainer({ status: states[Math.min(looks++, 3)] ?? 'exited', exitCode: 7 });
  const engine = { containers: { get, wait: async () => 3 } };
  const run = async (...words: string[]) =>
    (await runFake(['wait', '--interval', '1', ...words, 'web'], { engine })).stdout;
  assert.equal(await run('--condition', 'paused'), '-1\n');
  assert.equal(looks, 3);
  assert.equal(await run('--condition', 'running,exited'), '7\n');
  assert.equal(await run('--condition', 'stopped'), '3\n');
  assert.equal(await run(), '3\n');
});

test('wait --condition takes the words of the API of Docker', async () => {
  // Each look, and how many of them came before the wait for the end.
  type Look = { readonly status: 'created' | 'running' | 'exited'; readonly startedAt: number | null };
  const waited = async (condition: string, looks: readonly Look[]) => {
    let [seen, before] = [0, -1];
    const get = async () => fakeContainer({ ...looks[Math.min(seen++, looks.length - 1)] });
    const wait = async () => {
      before = seen;
      return 5;
    };
    const argv = ['wait', '--interval', '1', '--condition', condition, 'web'];
    const { stdout } = await runFake(argv, { engine: { containers: { get, wait } } });
    return [stdout, before];
  };
  const [made, runs, over, again]: readonly Look[] = [
    { status: 'created', startedAt: null },
    { status: 'running', startedAt: 1 },
    { status: 'exited', startedAt: 1 },
    { status: 'exited', startedAt: 2 },
  ];
  if (!made || !runs || !over || !again) throw new Error('four looks');
  assert.deepEqual(await waited('not-running', [made]), ['5\n', 0]);
  assert.deepEqual(await waited('next-exit', [runs]), ['5\n', 1]);
  assert.deepEqual(await waited('next-exit', [made, made, runs]), ['5\n', 3]);
  // It has begun and ended between two looks.
  assert.deepEqual(await waited('next-exit', [over, over, again]), ['5\n', 3]);
  let ends = 0;
  const wait = async (ref: string) => {
    ends += 1;
    if (ends > 2) throw notFound(ref);
    return 6;
  };
  const engine = { containers: { get: async () => fakeContainer(), wait } };
  const run = (condition: string) => runFake(['wait', '--interval', '1', '--condition', condition, 'web'], { engine });
  assert.equal((await run('removed')).stdout, '6\n');
  const { status, stderr } = await run('removed,running');
  assert.equal(status, 1);
  assert.match(stderr, /^onggi: --condition: 'removed' goes with no other\n/);
});

test('one that is gone has been removed', async () => {
  let looks = 0;
  const get = async (ref: string) => {
    looks += 1;
    if (looks > 2) throw notFound(ref);
    return fakeContainer();
  };
  const run = (condition: string) =>
    runFake(['wait', '--interval', '1ms', '--condition', condition, 'web'], { engine: { containers: { get } } });
  assert.equal((await run('removing')).stdout, '-1\n');
  looks = 0;
  const { status, stderr } = await run('paused');
  assert.deepEqual([status, stderr], [1, `onggi: No such container: ${fakeContainer().id}\n`]);
});

test('wrong conditions and intervals are refused', async () => {
  assert.match((await runFake(['wait', '--condition', 'bored', 'web'])).stderr, /invalid condition: 'bored'/);
  assert.match((await runFake(['wait', '--interval', '-1s', 'web'])).stderr, /'-1s' is not a length of time/);
});

test('--latest takes the newest container, and none beside it', async () => {
  const engine = { containers: { list: async () => [fakeContainer()], wait: async (ref: string) => ref.length } };
  assert.equal((await runFake(['wait', '--latest'], { engine })).stdout, '64\n');
  const both = await runFake(['wait', '-l', 'web'], { engine });
  assert.match(both.stderr, /^onggi: --latest and containers cannot be used together/);
  const none = await runFake(['wait', '-l'], { engine: { containers: { list: async () => [] } } });
  assert.deepEqual([none.status, none.stderr], [1, 'onggi: --latest: there is no container\n']);
});

test('--all takes those that the command is about, and none beside them', async () => {
  const states = ['created', 'running', 'paused', 'exited'] as const;
  const all = states.map((status, index) => fakeContainer({ id: `${index}`.repeat(64) as typeof only, status }));
  const only = fakeContainer().id;
  const act = async () => {};
  const containers = {
    list: async () => all,
    stop: act,
    kill: act,
    start: act,
    restart: act,
    pause: act,
    remove: async () => [],
  };
  const run = async (...words: string[]) => {
    const { stdout } = await runFake(words, { engine: { containers } });
    return stdout.split('\n').flatMap((id) => (id === '' ? [] : [id.charAt(0)]));
  };
  assert.deepEqual(await run('stop', '--all'), ['1', '2']);
  assert.deepEqual(await run('kill', '-a'), ['1', '2']);
  assert.deepEqual(await run('pause', '-a'), ['1']);
  assert.deepEqual(await run('start', '--all'), ['0', '3']);
  assert.deepEqual(await run('restart', '-a'), ['0', '1', '2', '3']);
  assert.deepEqual(await run('rm', '-fa'), ['0', '1', '2', '3']);
  const both = await runFake(['stop', '--all', 'web'], { engine: { containers } });
  assert.match(both.stderr, /^onggi: --all and containers cannot be used together/);
  const two = await runFake(['stop', '--all', '-l'], { engine: { containers } });
  assert.match(two.stderr, /^onggi: --all and --latest cannot be used together/);
});

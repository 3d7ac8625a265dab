/** Scripts pass on variables that are not set: what is empty is as if it were not there, wherever Docker takes it so. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventQuery, LogQuery } from '../../engine/types.ts';
import { fakeCalls, fakeContainer, fakeImage, fakeVolume, runFake } from '../testing.ts';

test('the signal of an empty name is the default', async () => {
  const { calls, record } = fakeCalls();
  const act = (name: string) => record(name, () => undefined);
  const containers = { kill: act('kill'), stop: act('stop'), restart: act('restart') };
  for (const verb of ['kill', 'stop', 'restart']) {
    assert.equal((await runFake([verb, '-s', 'HUP', '-s', '', 'a'], { engine: { containers } })).status, 0);
  }
  assert.deepEqual(calls, ['kill a ', 'stop a {}', 'restart a {}']);
});

test('logs and events have no end and no beginning then', async () => {
  const queries: (LogQuery | EventQuery)[] = [];
  const logBytes = async function* (_ref: string, query: LogQuery) {
    queries.push(query);
    yield* [];
  };
  const events = async function* (query: EventQuery) {
    queries.push(query);
    yield* [];
  };
  const engine = { containers: { logBytes }, events };
  assert.equal((await runFake(['logs', '--since', '', '--until', '', 'a'], { engine })).status, 0);
  assert.equal((await runFake(['logs', '--until', '0', 'a'], { engine })).status, 0);
  assert.equal((await runFake(['events', '--since', '', '--until', '', '-f', ''], { engine })).status, 0);
  const all = { follow: false, timestamps: false };
  assert.deepEqual(queries, [all, all, { filters: [] }]);
});

test('an empty filter is none', async () => {
  const containers = { list: async () => [fakeContainer()] };
  const volumes = { list: async () => [fakeVolume] };
  const images = { list: async () => [fakeImage] };
  const engine = { containers, images, volumes };
  const lines = async (...words: string[]) => (await runFake(words, { engine })).stdout.split('\n').length - 1;
  assert.equal(await lines('ps', '-q', '-f', '', '--filter='), 1);
  assert.equal(await lines('volume', 'ls', '-q', '-f', ''), 1);
  assert.ok((await lines('images', '-q', '-f', '')) > 0);
  assert.match((await runFake(['ps', '-f', '='], { engine })).stderr, /Invalid filter ''/);
});

test('an empty port is all ports, an empty name of an image none, an empty file standard output', async () => {
  const { calls, record } = fakeCalls();
  const containers = {
    get: async () => fakeContainer(),
    commit: record('commit', () => ({ id: fakeImage.id })),
    async *export() {
      yield Buffer.from('tar');
    },
  };
  const engine = { containers };
  assert.equal((await runFake(['port', 'web', ''], { engine })).status, 0);
  assert.equal((await runFake(['commit', 'web', ''], { engine })).status, 0);
  assert.equal((await runFake(['export', '-o', '', 'web'], { engine })).stdout, 'tar');
  assert.match(calls[0] ?? '', /^commit web null /);
});

test('the keys to detach are the default', async () => {
  const { calls, record } = fakeCalls();
  const containers = { start: record('start', () => undefined) };
  await runFake(['start', '--detach-keys', '', 'a'], { engine: { containers } });
  assert.deepEqual(calls, ['start a {}']);
});

test('an empty type is none', async () => {
  const { status, stderr } = await runFake(['inspect', '--type', '', 'web']);
  assert.deepEqual([status, stderr.split(':')[1]], [1, ' type is empty']);
});

import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeScratch } from '../../test/harness/scratch.ts';
import { placesDirectory, takePlace } from './machine-places.ts';

test('so many have a place; the next waits for one that becomes free, and nothing stays', async () => {
  await using scratch = makeScratch();
  const directory = join(scratch.path, 'places');
  const take = () => takePlace(directory, 'from a:5000', 2, undefined);
  const [first, second] = [await take(), await take()];
  assert.deepEqual(readdirSync(directory), ['from%20a%3A5000.0', 'from%20a%3A5000.1']);
  assert.ok(await takePlace(directory, 'to a:5000', 2, undefined), 'another key has places of its own');
  const third = take();
  // It waits for one of the two.
  first?.[Symbol.dispose]();
  second?.[Symbol.dispose]();
  (await third)?.[Symbol.dispose]();
  assert.deepEqual(readdirSync(directory), ['to%20a%3A5000.0']);
});

test('who waits too long goes without a place; who gives up hears why', async () => {
  await using scratch = makeScratch();
  const held = await takePlace(scratch.path, 'x', 1, undefined);
  assert.equal(await takePlace(scratch.path, 'x', 1, undefined, 1), null);
  const stop = new AbortController();
  const waiting = takePlace(scratch.path, 'x', 1, stop.signal);
  stop.abort(new Error('enough'));
  await assert.rejects(waiting, /enough/);
  held?.[Symbol.dispose]();
});

test('without a directory there are no places, and no error', async () => {
  await using scratch = makeScratch();
  const path = join(scratch.path, 'file');
  writeFileSync(path, '');
  assert.equal(await takePlace(join(path, 'places'), 'x', 1, undefined), null);
  assert.equal(placesDirectory({}, true), '/run/onggi/registries');
  assert.equal(placesDirectory({ XDG_RUNTIME_DIR: '/run/user/7' }, false), '/run/user/7/onggi/registries');
  for (const runtime of [undefined, 'relative'])
    assert.equal(placesDirectory({ XDG_RUNTIME_DIR: runtime }, false), null);
});

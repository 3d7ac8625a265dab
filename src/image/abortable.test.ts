import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { abortable } from './abortable.ts';

async function joined(source: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

test('a stream comes as it is, with and without somebody who could give up', async () => {
  const source = async function* () {
    yield Buffer.from('a');
    yield Buffer.from('b');
  };
  assert.equal(await joined(abortable(source(), 'x', undefined)), 'ab');
  assert.equal(await joined(abortable(source(), 'x', new AbortController().signal)), 'ab');
});

test('whoever gives up does not wait for what never comes; the source is told', async () => {
  let closed = false;
  const source = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise<never>(() => {}),
      return: async () => {
        closed = true;
        return { done: true as const, value: undefined };
      },
    }),
  };
  const abort = new AbortController();
  const all = joined(abortable(source, 'archive', abort.signal));
  await turn();
  abort.abort(new Error('why'));
  await assert.rejects(all, { code: 'cancelled', message: 'archive: given up' });
  assert.ok(closed);
  await assert.rejects(joined(abortable(source, 'archive', abort.signal)), { code: 'cancelled' });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '../../oci/digest.ts';
import type { PullEvent } from '../types.ts';
import { makeTransferEvents } from './transfer-events.ts';

const [a, b] = [sha256('a'), sha256('b')];

function progress(digest: typeof a, current: number): PullEvent {
  return { type: 'layer-progress', digest, current, total: 10 };
}

async function read(events: AsyncIterable<PullEvent>): Promise<PullEvent[]> {
  const found: PullEvent[] = [];
  for await (const event of events) found.push(event);
  return found;
}

test('a slow reader gets every event, but only the latest progress of each layer', async () => {
  const events = makeTransferEvents();
  events.put({ type: 'resolved', reference: 'x', digest: a });
  for (let current = 1; current <= 10; current += 1) {
    events.put(progress(a, current));
    events.put(progress(b, current));
  }
  events.put({ type: 'layer-done', digest: a });
  events.put({ type: 'layer-done', digest: b });
  events.end();
  assert.deepEqual(await read(events), [
    { type: 'resolved', reference: 'x', digest: a },
    progress(a, 10),
    progress(b, 10),
    { type: 'layer-done', digest: a },
    { type: 'layer-done', digest: b },
  ]);
});

test('a fast reader waits for each', async () => {
  const events = makeTransferEvents();
  const reading = read(events);
  for (let current = 1; current <= 3; current += 1) {
    events.put(progress(a, current));
    await new Promise((resolve) => setImmediate(resolve));
  }
  events.end();
  assert.deepEqual(await reading, [progress(a, 1), progress(a, 2), progress(a, 3)]);
});

test('a failure comes after what happened before it', async () => {
  const events = makeTransferEvents();
  events.put(progress(a, 1));
  events.end({ error: new Error('broken') });
  const found: PullEvent[] = [];
  await assert.rejects(async () => {
    for await (const event of events) found.push(event);
  }, /broken/);
  assert.deepEqual(found, [progress(a, 1)]);
});

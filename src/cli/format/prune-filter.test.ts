import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePruneFilter, pruneSelection } from './prune-filter.ts';

const now = Date.parse('2026-11-21T09:00:00Z');
const select = (...filters: string[]) => pruneSelection(filters.map(parsePruneFilter), now);

test('until is a time or an age', () => {
  assert.equal(select().before, undefined);
  assert.equal(select('until=24h').before, now - 24 * 3600_000);
  assert.equal(select('until=2026-01-01T00:00:00Z').before, Date.parse('2026-01-01'));
  assert.throws(() => select('until=1h', 'until=2h'), { message: 'more than one until filter specified' });
  assert.throws(() => select('until=soon'), { code: 'invalid' });
});

test('labels that must be there, and that must not', () => {
  assert.equal(select('until=1h').labels, undefined);
  const { labels } = select('label=a', 'label=b=2', 'label!=keep', 'label!=c=3');
  assert.equal(labels?.({ a: '', b: '2' }), true);
  assert.equal(labels?.({ a: '', b: '2', c: '4' }), true);
  assert.equal(labels?.({ a: '', b: '3' }), false);
  assert.equal(labels?.({ b: '2' }), false);
  assert.equal(labels?.({ a: '', b: '2', keep: '' }), false);
  assert.equal(labels?.({ a: '', b: '2', c: '3' }), false);
});

test('what is no filter is refused', () => {
  for (const text of ['label', 'foo=1', 'until!=1h', 'dangling=x'])
    assert.throws(() => select(text), { code: 'invalid' });
  assert.equal(select('dangling=false').dangling, false);
});

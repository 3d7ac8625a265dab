import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDuration } from '../../oci/duration.ts';
import { testParser } from '../testing.ts';
import { parseInstant } from './instant.ts';

testParser(
  'durations',
  parseDuration,
  [
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['300ms', 300],
    ['-2s', -2000],
    ['0', 0],
    ['10', undefined],
    ['10x', undefined],
    ['', undefined],
  ],
  [],
);

test('points in time', () => {
  const now = Date.parse('2026-11-21T09:00:00Z');
  const parse = (text: string) => parseInstant(text, now, 'since');
  assert.equal(parse('10m'), now - 600_000);
  assert.equal(parse('1763715600'), 1763715600_000);
  assert.equal(parse('1763715600.25'), 1763715600_250);
  assert.equal(parse('1763715600.250000000001'), 1763715600_250);
  assert.equal(parse('2028-02-29Z'), Date.parse('2028-02-29T00:00:00Z'));
  assert.equal(parse('2026-11-21T08:30:00Z'), now - 1800_000);
  assert.equal(parse('2026-11-21T08:30:00.123456789+01:00'), now - 5400_000 + 123);
  assert.equal(parse('2026-11-21Z'), Date.parse('2026-11-21T00:00:00Z'));
  assert.equal(parse('2026-11-21T08:30'), new Date(2026, 10, 21, 8, 30).getTime());
  assert.equal(parse('2026-11-21'), new Date(2026, 10, 21).getTime());
  for (const text of ['foo', '10x', '', '2026-13-01', '2026-11-21T25:00:00Z', '2026-02-30', '-1763715600']) {
    const message = `invalid value for "since": failed to parse value as time or duration: "${text}"`;
    assert.throws(() => parse(text), { message });
  }
});

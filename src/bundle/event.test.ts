import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CgroupStats } from '../runtime/cgroup/stats.ts';
import { encodeEvent } from './event.ts';

test('an event is one line of JSON with all digits', () => {
  assert.equal(encodeEvent({ type: 'oom', id: 'a' }), '{"type":"oom","id":"a"}\n');
  const data = { pids: { current: 2n ** 63n } } as unknown as CgroupStats;
  assert.match(encodeEvent({ type: 'stats', id: 'a', data }), /"current":9223372036854775808/);
});

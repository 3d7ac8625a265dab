import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closingLine, judge, none, sum, summaryIn, summaryLine } from './test-summary.ts';

test('the closing line names skips only when there are some', () => {
  assert.equal(closingLine({ passed: 12, failed: 0, skipped: 0 }), '12 passed, 0 failed');
  assert.equal(closingLine({ passed: 1, failed: 2, skipped: 3 }), '1 passed, 2 failed, 3 skipped');
});

test('counts add up', () => {
  assert.deepEqual(sum([]), none);
  const one = { passed: 1, failed: 2, skipped: 3 };
  assert.deepEqual(sum([one, one]), { passed: 2, failed: 4, skipped: 6 });
});

test('counts survive the way through a console', () => {
  const counts = { passed: 10, failed: 0, skipped: 7 };
  assert.deepEqual(summaryIn(`[  2.1] x ${summaryLine(counts)}\r`), counts);
  assert.equal(summaryIn('10 passed, 0 failed'), undefined);
});

test('a program that breaks down has failed', () => {
  const clean = { passed: 5, failed: 0, skipped: 0 };
  assert.deepEqual(judge(0, clean), clean);
  assert.deepEqual(judge(0, undefined), { passed: 0, failed: 1, skipped: 0 });
  assert.deepEqual(judge(1, clean), { passed: 5, failed: 1, skipped: 0 });
  assert.deepEqual(judge(null, clean), { passed: 5, failed: 1, skipped: 0 });
  assert.deepEqual(judge(1, { ...clean, failed: 2 }), { ...clean, failed: 2 });
});

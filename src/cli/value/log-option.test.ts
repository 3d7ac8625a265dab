import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logOptionsOf, parseLogOption } from './log-option.ts';

test('log options', () => {
  assert.deepEqual(logOptionsOf([]), undefined);
  assert.deepEqual(logOptionsOf(['max-size=10m', 'max-file=3'].map(parseLogOption)), {
    maxSize: 10485760,
    maxFiles: 3,
  });
  assert.deepEqual(logOptionsOf([parseLogOption('max-size=-1')]), { maxSize: 0, maxFiles: 1 });
  assert.throws(() => logOptionsOf([parseLogOption('max-file=3')]), /has no effect without max-size/);
  assert.throws(() => parseLogOption('foo=1'), /unknown log opt 'foo' for json-file log driver/);
  assert.throws(() => parseLogOption('compress=true'), /log option 'compress' is not supported/);
  assert.throws(() => parseLogOption('max-file=0'), /out of range/);
});

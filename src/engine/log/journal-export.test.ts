import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exportReader, journalLine } from './journal-export.ts';

function binary(name: string, value: string): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(value)));
  return Buffer.concat([Buffer.from(`${name}\n`), length, Buffer.from(`${value}\n`)]);
}

const entries = Buffer.concat([
  Buffer.from('__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1795300663803220\nPRIORITY=6\n'),
  binary('MESSAGE', 'two\nlines=1\n'),
  Buffer.from('SYSLOG_TIMESTAMP=2026-11-21T22:37:43.801813100Z\nCONTAINER_NAME=x\nKIND=web\nKIND=again\n_UID=0\n\n'),
  Buffer.from('MESSAGE=part\nPRIORITY=3\nCONTAINER_PARTIAL_MESSAGE=true\n__REALTIME_TIMESTAMP=1795300663803220\n\n'),
  Buffer.from('PRIORITY=6\n\n'),
]);

test('entries come back, in whatever pieces they come', () => {
  for (let size = 1; size <= entries.length; size++) {
    const read = exportReader();
    const found = [];
    for (let at = 0; at < entries.length; at += size) found.push(...read(entries.subarray(at, at + size)));
    assert.equal(found.length, 3, `pieces of ${size}`);
    assert.equal(found[0]?.get('MESSAGE')?.toString(), 'two\nlines=1\n');
    assert.equal(found[0]?.get('__CURSOR')?.toString(), 's=1;i=2');
    const [whole, part, none] = found.map(journalLine);
    assert.deepEqual(
      [whole?.stream, whole?.time, whole?.attributes],
      ['stdout', '2026-11-21T22:37:43.801813100Z', { KIND: 'web' }],
    );
    assert.deepEqual(
      [part?.stream, part?.bytes.toString(), part?.time, part?.attributes],
      ['stderr', 'part', '2026-11-21T22:37:43.803Z', undefined],
    );
    assert.equal(none, undefined);
  }
});

test('a length that nobody could have is refused', () => {
  const huge = Buffer.concat([Buffer.from('MESSAGE\n'), Buffer.alloc(8, 0xff), Buffer.from('x')]);
  assert.throws(() => exportReader()(huge), /"MESSAGE" of 18446744073709551615 bytes/);
});

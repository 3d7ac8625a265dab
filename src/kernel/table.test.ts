import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addon } from './addon.ts';

const steps = ['1000 0 0 no time', '60000 1000 0 s', '3600000 60000 30000 min', '9007199254740991 3600000 0 h'];

function table(lines: string, { now = 0, least = 4, gap = 2 } = {}): string {
  return addon().table(lines, now, least, gap, steps);
}

test('columns are as wide as their widest cell and the gap, and the last one as it is', () => {
  assert.equal(table('a\tb\tc\nlonger\t\tlast'), 'a       b   c\nlonger      last\n');
  assert.equal(table('alone'), 'alone\n');
  assert.equal(table('a\tb\n'), 'a   b\n');
  assert.equal(table(`${'w'.repeat(80)}\tx\ny\tz`, { least: 0 }), `${'w'.repeat(80)}  x\ny${' '.repeat(81)}z\n`);
});

test('a character of several bytes is as wide as one', () => {
  assert.equal(table('abcd…\tx\n12345\ty\n한글\tz'), 'abcd…  x\n12345  y\n한글     z\n');
});

test('a time is told as how long it is ago, by the first step that holds it', () => {
  const told = (time: number | string, now = 10_000_000) => table(`\x01${time}\x02 ago`, { now });
  assert.equal(told(10_000_000), 'no time ago\n');
  assert.equal(told(9_999_001), 'no time ago\n');
  assert.equal(told(9_999_000), '1 s ago\n');
  assert.equal(told(9_940_001), '59 s ago\n');
  assert.equal(told(9_940_000), '1 min ago\n');
  assert.equal(told(10_000_000 - 90_000), '2 min ago\n');
  assert.equal(told(0, 36_000_000), '10 h ago\n');
  // A clock that was set back, and numbers that nobody writes.
  assert.equal(told(10_000_001), 'no time ago\n');
  assert.equal(told('999999999999999999999999'), 'no time ago\n');
  assert.equal(told('-999999999999999999999999'), '2 h ago\n');
  assert.equal(table('Up \x0110\x02 (\x0120\x02)', { now: 2020 }), 'Up 2 s (2 s)\n');
});

test('cells that are cut off, empty or too many do no harm', () => {
  assert.equal(table('a\x01'), 'ano time\n');
  assert.equal(table('a\x015'), 'ano time\n');
  assert.equal(table(''), '');
  assert.equal(table('\n\n\t'), '\n\n    \n');
  const many = Array.from({ length: 40 }, (_, n) => `${n}`).join('\t');
  assert.equal(table(`${many}\n${many}`).split(/\s+/).length, 81);
  assert.equal(table('x\ty\n'.repeat(5000)), 'x   y\n'.repeat(5000));
});

test('steps that are none are refused', () => {
  for (const step of ['', 'x', '1 2', '1 2 3']) {
    assert.throws(() => addon().table('a', 0, 4, 2, [step]), { code: 'EINVAL' }, step);
  }
});

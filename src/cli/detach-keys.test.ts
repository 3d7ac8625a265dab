import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DetachKeys, detachMatcher, parseDetachKeys } from './detach-keys.ts';
import { testParser } from './testing.ts';

/** What passes of the chunks, and whether the sequence was completed in the last of them. */
function feed(keys: DetachKeys, chunks: readonly string[]): { pass: string; detached: boolean } {
  const matcher = detachMatcher(keys);
  let pass = '';
  let detached = false;
  for (const chunk of chunks) {
    const fed = matcher(new TextEncoder().encode(chunk));
    pass += new TextDecoder().decode(fed.pass);
    detached = fed.detached;
  }
  return { pass, detached };
}

const standard = parseDetachKeys('ctrl-p,ctrl-q');

const cases: readonly [string, DetachKeys, readonly string[], string, boolean][] = [
  ['plain text passes', standard, ['hello\r', 'x'], 'hello\rx', false],
  ['the sequence in one chunk', standard, ['ab\x10\x11cd'], 'ab', true],
  ['the sequence in two chunks', standard, ['ab\x10', '\x11'], 'ab', true],
  ['a first key alone is held back', standard, ['ab\x10'], 'ab', false],
  ['and passes with what follows', standard, ['\x10', 'x'], '\x10x', false],
  ['the first key twice', standard, ['\x10\x10\x11'], '\x10', true],
  ['three times, in chunks', standard, ['\x10', '\x10', '\x10', 'y'], '\x10\x10\x10y', false],
  ['one key', parseDetachKeys('ctrl-a'), ['x\x01y'], 'x', true],
  ['a sequence that begins like itself', parseDetachKeys('a,a,b'), ['aaab'], 'a', true],
  ['and is broken off', parseDetachKeys('a,b,a,c'), ['ababac'], 'ab', true],
  ['and never completed', parseDetachKeys('a,b,a,c'), ['ababx'], 'ababx', false],
];

for (const [name, keys, chunks, pass, detached] of cases) {
  test(name, () => assert.deepEqual(feed(keys, chunks), { pass, detached }));
}

test('nothing is lost or reordered when the sequence does not occur', () => {
  const keys = parseDetachKeys('a,b,a');
  let seed = 7;
  for (let round = 0; round < 500; round += 1) {
    const text = Array.from({ length: 20 }, () => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return 'abx'.charAt(seed % 3);
    }).join('');
    if (text.includes('aba')) continue;
    // An x at the end frees what is held back.
    assert.deepEqual(feed(keys, [text.slice(0, 7), text.slice(7), 'x']), { pass: `${text}x`, detached: false });
  }
});

testParser(
  'detach keys',
  parseDetachKeys,
  [
    ['ctrl-p,ctrl-q', [16, 17]],
    ['a', [97]],
    ['ctrl-@,ctrl-[,ctrl-_,ctrl-\\', [0, 27, 31, 28]],
    ['ctrl-A', [1]],
    ['DEL,a', [127, 97]],
  ],
  [
    ['foo', /unknown key 'foo' in 'foo'/],
    [',', /unknown key ''/],
    ['ctrl-', /unknown key/],
    ['ctrl-p,,x', /unknown key ''/],
    ['ctrl-1', /unknown key/],
  ],
);

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMount, parseTmpfs } from '../value/mount.ts';
import { parseVolume } from '../value/volume.ts';
import { type AskedMounts, askedMounts } from './mounts.ts';

/** `-v`, `--mount` and `--tmpfs` by what their values look like. */
function asked(...words: readonly string[]): AskedMounts {
  return askedMounts({
    volume: words.filter((word) => word.startsWith('-v')).map((word) => parseVolume(word.slice(3))),
    mount: words.filter((word) => word.startsWith('--mount')).map((word) => parseMount(word.slice(8))),
    tmpfs: words.filter((word) => word.startsWith('--tmpfs')).map((word) => parseTmpfs(word.slice(8))),
  });
}

/** Each mount by the source, or options, that tell it from the others. */
function shown(...words: readonly string[]): readonly string[] {
  const { mounts, volumes } = asked(...words);
  const named = mounts.map((each) => {
    if (each.type === 'tmpfs') return `tmpfs ${each.target} ${each.options}`;
    return `${each.type} ${each.target} ${each.type === 'volume' ? each.name : each.source}`;
  });
  return [...named, ...volumes.map((target) => `anonymous ${target}`)];
}

/** Seen with Debian's dockerd: what it refuses, and what is on /p in the container. */
const refused: readonly (readonly string[])[] = [
  ['-v /a:/p', '-v /b:/p'],
  ['-v /a:/p', '-v /b:/p/'],
  ['-v one:/p', '-v two:/p'],
  ['-v /a:/p', '--mount type=bind,src=/b,dst=/p'],
  ['-v /a:/p', '--mount type=tmpfs,dst=/p'],
  ['-v /a:/p', '--mount type=volume,dst=/p'],
  ['--mount type=bind,src=/a,dst=/p', '--mount type=bind,src=/b,dst=/p'],
  ['-v /a:/p', '--tmpfs /p'],
  ['-v one:/p', '--tmpfs /p'],
];

const taken: readonly (readonly [words: readonly string[], mounts: readonly string[]])[] = [
  [['-v /a:/p', '-v /a:/p'], ['bind /p /a']],
  [['-v /p', '-v /p'], ['anonymous /p']],
  // The engine makes it only where nothing else is.
  [
    ['-v /p', '-v /a:/p'],
    ['bind /p /a', 'anonymous /p'],
  ],
  [
    ['--tmpfs /p', '-v /p/'],
    ['tmpfs /p ', 'anonymous /p'],
  ],
  [['--tmpfs /p:size=1m', '--tmpfs /p:size=2m'], ['tmpfs /p size=2m']],
  [['--mount type=bind,src=/a,dst=/p', '--tmpfs /p:size=2m'], ['tmpfs /p size=2m']],
  [['--mount type=volume,src=one,dst=/p', '--tmpfs /p'], ['tmpfs /p ']],
  [['--mount type=tmpfs,dst=/p,tmpfs-size=1m', '--tmpfs /p:size=2m'], ['tmpfs /p size=1048576']],
];

test('what is refused on one path', () => {
  for (const words of refused) {
    const wanted = { code: 'invalid', message: 'Duplicate mount point: /p' };
    assert.throws(() => asked(...words), wanted, words.join(' '));
  }
});

test('what wins on one path', () => {
  for (const [words, mounts] of taken) assert.deepEqual(shown(...words), mounts, words.join(' '));
});

test('a mount that is not seen is told of', () => {
  assert.deepEqual(asked('--mount type=bind,src=/a,dst=/p', '--tmpfs /p').hidden, [
    '--mount on /p has no effect: --tmpfs names the same path',
  ]);
  assert.deepEqual(asked('--mount type=tmpfs,dst=/p', '--tmpfs /p', '--tmpfs /q').hidden, [
    '--tmpfs on /p has no effect: --mount names the same path',
  ]);
});

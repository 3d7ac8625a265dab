import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Digest } from '../../oci/digest.ts';
import { fakeOutput } from '../testing.ts';
import { copyLines } from './copy-lines.ts';

const digest = (byte: string) => `sha256:${byte.repeat(32)}` as Digest;
const [a, b, c] = [digest('aa'), digest('bb'), digest('cc')];

function copied(output: ReturnType<typeof fakeOutput>): string {
  let time = 0;
  const { begin, onEvent, finish } = copyLines(output, () => {
    time += 20;
    return time;
  });
  begin();
  onEvent({ type: 'layer-exists', digest: a });
  for (const current of [1, 2, 3 << 20, 4 << 20]) {
    onEvent({ type: 'layer-progress', digest: b, current, total: 4 << 20 });
    onEvent({ type: 'layer-progress', digest: c, current, total: 4 << 20, config: true });
  }
  onEvent({ type: 'layer-done', digest: c, config: true });
  onEvent({ type: 'layer-done', digest: b });
  finish();
  return output.text();
}

test('without a terminal each blob has a line, the configuration the last', () => {
  assert.equal(
    copied(fakeOutput()),
    [
      'Getting image source signatures',
      `Copying blob ${a} skipped: already exists`,
      `Copying blob ${b}`,
      `Copying config ${c}`,
      'Writing manifest to image destination\n',
    ].join('\n'),
  );
});

test('on a terminal a line says how far its blob is, and few frames are drawn', () => {
  const drawn = copied(fakeOutput({ rows: 24, columns: 100 }));
  const frames = drawn.match(/Copying blob b{12} [^\r]*/g);
  assert.deepEqual(frames, [
    `Copying blob ${'b'.repeat(12)} [>${'-'.repeat(37)}] 1B / 4MiB`,
    `Copying blob ${'b'.repeat(12)} [${'='.repeat(38)}] 4MiB / 4MiB`,
    `Copying blob ${'b'.repeat(12)} done`,
  ]);
  assert.match(drawn, /Copying config c{12} done\nWriting manifest to image destination\n$/);
  assert.doesNotMatch(copied(fakeOutput({ rows: 24, columns: 80 })), /\[=/);
});

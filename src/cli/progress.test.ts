import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PullEvent } from '../engine/types.ts';
import type { Digest } from '../oci/digest.ts';
import { bar, pullProgress } from './progress.ts';
import { fakeOutput, runFake } from './testing.ts';

const digest = (byte: string) => `sha256:${byte.repeat(32)}` as Digest;

const events: readonly PullEvent[] = [
  { type: 'resolved', reference: '127.0.0.1:5055/lib/three:latest', digest: digest('43') },
  { type: 'layer-exists', digest: digest('35') },
  { type: 'layer-progress', digest: digest('c9'), current: 0, total: 3_001_000 },
  { type: 'layer-progress', digest: digest('67'), current: 0, total: 106 },
  { type: 'layer-progress', digest: digest('67'), current: 106, total: 106 },
  { type: 'layer-progress', digest: digest('c9'), current: 32_770, total: 3_001_000 },
  { type: 'layer-progress', digest: digest('c9'), current: 32_790, total: 3_001_000 },
  { type: 'layer-progress', digest: digest('c9'), current: 3_001_000, total: 3_001_000 },
  { type: 'layer-done', digest: digest('c9') },
  { type: 'layer-done', digest: digest('67') },
  { type: 'done', id: digest('0e'), upToDate: false },
];

const lines = `353535353535: Already exists
c9c9c9c9c9c9: Pulling fs layer
676767676767: Pulling fs layer
676767676767: Download complete
c9c9c9c9c9c9: Download complete
c9c9c9c9c9c9: Pull complete
676767676767: Pull complete
Digest: ${digest('43')}
`;

test('without a terminal each change has a line', () => {
  const output = fakeOutput();
  const progress = pullProgress(output, () => 0);
  for (const event of events) progress.event(event);
  assert.equal(output.text(), lines);
});

test('on a terminal each layer keeps its line', () => {
  const output = fakeOutput({ rows: 24, columns: 120 });
  let now = 0;
  const progress = pullProgress(output, () => {
    now += 60;
    return now;
  });
  for (const event of events.slice(0, 6)) progress.event(event);
  const draw = (up: number, text: string) => `\x1b[${up}A\x1b[2K\r${text} \r\x1b[${up}B`;
  assert.equal(
    output.text(),
    `\n${draw(1, '353535353535: Already exists')}` +
      `\n${draw(1, 'c9c9c9c9c9c9: Pulling fs layer')}` +
      `\n${draw(1, '676767676767: Pulling fs layer')}` +
      draw(1, '676767676767: Download complete') +
      draw(2, `c9c9c9c9c9c9: Downloading [>${' '.repeat(50)}]  32.77kB/3.001MB`),
  );
});

test('a busy download is not drawn more often than the eye sees', () => {
  const output = fakeOutput({ rows: 24, columns: 120 });
  let now = 0;
  const progress = pullProgress(output, () => now);
  for (let i = 0; i <= 10_000; i += 1) {
    now = i / 10;
    progress.event({ type: 'layer-progress', digest: digest('c9'), current: i, total: 1_000_000 });
  }
  const frames = output.text().split('\r\x1b[1B').length;
  assert.ok(frames < 25, `${frames} frames in a second`);
});

test('the bar of a download', () => {
  assert.equal(bar({ current: 106, total: 106 }, 120), `[${'='.repeat(50)}>]     106B/106B`);
  assert.equal(bar({ current: 50, total: 100 }, 120), `[${'='.repeat(25)}>${' '.repeat(25)}]      50B/100B`);
  assert.equal(bar({ current: 200, total: 100 }, 120), `[${'='.repeat(50)}>]     200B/100B`);
  assert.equal(bar({ current: 50, total: 100 }, 80), '     50B/100B');
  assert.equal(bar({ current: 50, total: 0 }, 120), '50B');
});

async function* pulled(): AsyncIterable<PullEvent> {
  yield* events;
}

test('pull says what docker pull says', async () => {
  const engine = { images: { pull: pulled } };
  const ran = await runFake(['pull', '127.0.0.1:5055/lib/three'], { engine });
  assert.equal(ran.status, 0);
  assert.equal(
    ran.stdout,
    `Using default tag: latest\nlatest: Pulling from lib/three\n${lines}` +
      'Status: Downloaded newer image for 127.0.0.1:5055/lib/three:latest\n127.0.0.1:5055/lib/three:latest\n',
  );
  const tagged = await runFake(['pull', 'alpine:3'], { engine });
  assert.match(tagged.stdout, /^3: Pulling from library\/alpine\n/);
  assert.match(tagged.stdout, /\nStatus: Downloaded newer image for alpine:3\ndocker\.io\/library\/alpine:3\n$/);
  const quiet = await runFake(['pull', '-q', 'alpine'], { engine });
  assert.equal(quiet.stdout, 'docker.io/library/alpine:latest\n');
});

test('an image that is there is up to date', async () => {
  async function* upToDate(): AsyncIterable<PullEvent> {
    yield { type: 'resolved', reference: 'docker.io/library/alpine:latest', digest: digest('43') };
    yield { type: 'done', id: digest('0e'), upToDate: true };
  }
  const { stdout } = await runFake(['pull', 'alpine:latest'], { engine: { images: { pull: upToDate } } });
  assert.equal(
    stdout,
    `latest: Pulling from library/alpine\nDigest: ${digest('43')}\n` +
      'Status: Image is up to date for alpine:latest\ndocker.io/library/alpine:latest\n',
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../errors.ts';
import { applyChanges } from './change.ts';
import { parseImageConfig } from './config.ts';

const written = (line: string) => applyChanges([`HEALTHCHECK ${line}`]).Healthcheck;

test('HEALTHCHECK, as Docker writes it into a config', () => {
  assert.deepEqual(written('NONE'), { Test: ['NONE'] });
  assert.deepEqual(written('CMD curl -f http://localhost/ || exit 1'), {
    Test: ['CMD-SHELL', 'curl -f http://localhost/ || exit 1'],
  });
  assert.deepEqual(
    written('--interval=5m --timeout=3s --start-period=1m --start-interval=100ms --retries=4 CMD ["a", "b c"]'),
    {
      Test: ['CMD', 'a', 'b c'],
      Interval: 300e9,
      Timeout: 3e9,
      StartPeriod: 60e9,
      StartInterval: 1e8,
      Retries: 4,
    },
  );
});

test('what is no HEALTHCHECK', () => {
  for (const line of [
    'CMD',
    'RUN x',
    '--interval=5m NONE',
    '--interval=x CMD a',
    '--interval=1us CMD a',
    '--moon=1 CMD a',
    '--retries=-1 CMD a',
  ]) {
    assert.throws(
      () => written(line),
      (error) => error instanceof OnggiError && error.code === 'invalid',
      line,
    );
  }
});

function healthOf(Healthcheck: unknown): unknown {
  const config = {
    architecture: 'amd64',
    os: 'linux',
    config: { Healthcheck },
    rootfs: { type: 'layers', diff_ids: [] },
  };
  return parseImageConfig(Buffer.from(JSON.stringify(config)), 'config').value.process.health;
}

test("an image's word on health, with limits", () => {
  assert.equal(healthOf(null), undefined);
  assert.deepEqual(healthOf({ Test: ['CMD', 'x'], Interval: 2e9, Timeout: 0, Retries: 7 }), {
    test: { args: ['x'] },
    interval: 2000,
    retries: 7,
  });
  // Neither refused nor without a pause.
  assert.deepEqual(healthOf({ Test: ['moon'], Interval: 1 }), { interval: 100 });
  for (const bad of [
    { Interval: -1 },
    { Interval: 1e30 },
    { Retries: 1.5 },
    { Retries: -1 },
    { Test: ['CMD', 'a\0b'] },
    { Test: 'CMD' },
  ]) {
    assert.throws(
      () => healthOf(bad),
      (error) => error instanceof OnggiError && error.code === 'corrupt',
      JSON.stringify(bad),
    );
  }
});

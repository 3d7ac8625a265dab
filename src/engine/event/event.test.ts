import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../../errors.ts';
import type { EngineEvent } from '../types/event.ts';
import { eventFilter } from './filter.ts';
import { decodeEvent, encodeEvent } from './line.ts';

const died: EngineEvent = {
  time: 1_795_285_630_862_359_425n,
  type: 'container',
  action: 'die',
  id: 'ab12',
  attributes: { image: 'reg:5000/app:1', name: 'web', tier: 'front', exitCode: '3' },
};
const pulled: EngineEvent = { time: 1n, type: 'image', action: 'pull', id: 'alpine:3', attributes: { name: 'alpine' } };
const checked: EngineEvent = { ...died, action: 'health_status: healthy' };
const mounted: EngineEvent = {
  time: 2n,
  type: 'volume',
  action: 'mount',
  id: 'data',
  attributes: { container: 'ab12' },
};

test('a line is read as it was written; a torn one costs itself alone', () => {
  for (const event of [died, pulled, checked, mounted])
    assert.deepEqual(decodeEvent(encodeEvent(event).trimEnd()), event);
  const torn = `${encodeEvent(pulled).slice(0, 30)}${encodeEvent(died).trimEnd()}`;
  assert.deepEqual(decodeEvent(torn), died);
  for (const line of ['', '{', '[]', 'null', '{"time":"x"}', '{"time":"1","type":"moon","action":"a","id":"b"}']) {
    assert.equal(decodeEvent(line), undefined, line);
  }
});

test('what the shim adds to what it was told of an event counts', () => {
  const line =
    '{"time":"5","type":"container","action":"exec_die","more":{"exitCode":"1"},"id":"a","attributes":{"name":"b"}}';
  assert.deepEqual(decodeEvent(line)?.attributes, { name: 'b', exitCode: '1' });
});

test('no label fills the log', () => {
  const labels = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`l${i}`, 'x'.repeat(10_000)]));
  const line = encodeEvent({
    ...died,
    action: `exec_create: ${'y'.repeat(1 << 20)}`,
    attributes: { ...labels, name: 'web' },
  });
  assert.ok(line.length < 70_000);
  assert.equal(decodeEvent(line.trimEnd())?.attributes['name'], 'web');
});

test('filters, as Docker has them', () => {
  const table: [string[], EngineEvent, boolean][] = [
    [['type=container'], died, true],
    [['type=image'], died, false],
    [['type=image', 'type=container'], died, true],
    [['type=daemon'], died, false],
    [['event=die'], died, true],
    [['event=di'], died, false],
    [['event=health_status'], checked, true],
    [['event=health_status: healthy'], checked, true],
    [['event=health_status: unhealthy'], checked, false],
    [['container=ab'], died, true],
    [['container=we'], died, true],
    [['container=eb'], died, false],
    [['container=ab'], mounted, false],
    [['volume=dat'], mounted, true],
    [['network=bridge'], mounted, false],
    [['image=reg:5000/app'], died, true],
    [['image=reg:5000/app:1'], died, true],
    [['image=reg'], died, false],
    [['image=alpine'], pulled, true],
    [['image=alpine:3'], pulled, true],
    [['label=tier'], died, true],
    [['label=tier=front'], died, true],
    [['label=tier=back'], died, false],
    [['label=tier', 'label=other'], died, false],
    [['label=tier'], mounted, false],
    [['scope=local'], died, true],
    [['scope=swarm'], died, false],
    [['secret=x'], died, false],
    [['container=web', 'event=start'], died, false],
  ];
  for (const [texts, event, wanted] of table) {
    const filters = texts.map((text) => ({
      key: text.slice(0, text.indexOf('=')),
      value: text.slice(text.indexOf('=') + 1),
    }));
    assert.equal(eventFilter(filters)(event), wanted, texts.join(' '));
  }
  for (const [key, value] of [
    ['moon', 'x'],
    ['type', 'moon'],
  ] as const) {
    assert.throws(
      () => eventFilter([{ key, value }]),
      (error) => error instanceof OnggiError && error.code === 'invalid',
    );
  }
});

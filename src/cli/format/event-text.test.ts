import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineEvent } from '../../engine/types.ts';
import { compileEventFormat } from './event-text.ts';

const event: EngineEvent = {
  time: 1_795_285_630_862_359_425n,
  type: 'container',
  action: 'start',
  id: 'ab12',
  attributes: { name: 'web', image: 'busybox', note: 'a\x1b[2Jb' },
};

test("Docker's line, with nothing in it that a terminal would obey", () => {
  const zone = process.env['TZ'];
  process.env['TZ'] = 'UTC';
  try {
    assert.equal(
      compileEventFormat(undefined)(event),
      '2026-11-21T18:27:10.862359425Z container start ab12 (image=busybox, name=web, note=a\\x1b[2Jb)',
    );
    process.env['TZ'] = 'Asia/Kolkata';
    assert.match(compileEventFormat('')(event), /^2026-11-21T23:57:10\.862359425\+05:30 /);
  } finally {
    process.env['TZ'] = zone ?? '';
    if (zone === undefined) delete process.env['TZ'];
  }
  const prune: EngineEvent = { ...event, type: 'volume', action: 'prune', id: '', attributes: { reclaimed: '0' } };
  assert.match(compileEventFormat(undefined)(prune), / volume prune {2}\(reclaimed=0\)$/);
});

test('JSON and templates with the names of Docker', () => {
  const plain = { ...event, attributes: { name: 'web', image: 'busybox' } };
  const json =
    '{"status":"start","id":"ab12","from":"busybox","Type":"container","Action":"start","Actor":{"ID":"ab12",' +
    '"Attributes":{"image":"busybox","name":"web"}},"scope":"local","time":1795285630,"timeNano":1795285630862359425}';
  assert.equal(compileEventFormat('json')(plain), json);
  assert.equal(compileEventFormat('{{json .}}')(plain), json);
  const format = compileEventFormat(
    '{{.Type}} {{.Status}} {{.ID}} {{.From}} {{.Actor.Attributes.name}} {{.Scope}} {{.Time}} {{.TimeNano}}',
  );
  assert.equal(format(plain), 'container start ab12 busybox web local 1795285630 1795285630862359425');
  assert.equal(compileEventFormat('{{json .Actor.Attributes}}')(plain), '{"image":"busybox","name":"web"}');
  assert.equal(compileEventFormat('{{.Actor.Attributes.none}}')(plain), '<no value>');
  assert.throws(() => compileEventFormat('{{.bad}}'), /can't evaluate field bad/);
});

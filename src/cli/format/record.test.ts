import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printRecord } from './record.ts';

const record = { Config: { Cmd: null, Labels: {}, Volumes: null, User: '' }, State: { Health: null }, Name: null };

test('a field that holds nothing prints by its type, as by a client that knows it', () => {
  for (const [format, printed] of [
    ['{{.Config.Cmd}}', '[]'],
    ['{{.Config.OnBuild}}', '[]'],
    ['{{.Config.Volumes}} {{.Config.Labels}} {{.Config.ExposedPorts}}', 'map[] map[] map[]'],
    ['{{.State.Health}}', '<nil>'],
    ['{{.Config.StopSignal}}|', '|'],
    ['{{json .Config.Cmd}} {{len .Config.Cmd}}', 'null 0'],
    ['{{with .Config}}{{.Cmd}}{{end}}', '[]'],
    // Of these nothing is known.
    ['{{.Name}}', '<no value>'],
    ['{{.Config.Labels.a}}', '<no value>'],
  ] as const) {
    assert.equal(printRecord(record, format), `${printed}\n`, format);
  }
  assert.throws(() => printRecord(record, '{{.Config.Nothing}}'), /map has no entry for key "Nothing"/);
});

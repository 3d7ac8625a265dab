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

test('a struct prints without names, and what is in a map is one again', () => {
  const inspected = {
    RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 },
    LogConfig: { Type: 'json-file', Config: { 'max-size': '1' } },
    Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '80' }], '81/tcp': null },
    ExposedPorts: { '80/tcp': {} },
    Labels: { a: 'b' },
    Both: { Binds: null, Labels: null, Init: null, Name: '' },
  };
  for (const [format, printed] of [
    ['{{.RestartPolicy}} {{.LogConfig}}', '{on-failure 3} {json-file map[max-size:1]}'],
    ['{{.Ports}} {{.ExposedPorts}} {{.Labels}}', 'map[80/tcp:[{0.0.0.0 80}] 81/tcp:[]] map[80/tcp:{}] map[a:b]'],
    ['{{range $port, $bound := .Ports}}{{$bound}}{{end}}', '[{0.0.0.0 80}]<no value>'],
    ['{{.Both}}', '{[] map[] <nil> }'],
    ['{{json .RestartPolicy}}', '{"Name":"on-failure","MaximumRetryCount":3}'],
  ] as const) {
    assert.equal(printRecord(inspected, format), `${printed}\n`, format);
  }
});

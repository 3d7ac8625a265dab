import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demandOf, parseChallenges } from './challenge.ts';

const parsed: readonly (readonly [header: string, challenges: readonly (readonly [string, object])[]])[] = [
  ['Basic', [['basic', {}]]],
  ['Basic realm="test"', [['basic', { realm: 'test' }]]],
  [
    'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull"',
    [['bearer', { realm: 'https://auth.example/token', service: 'registry.example', scope: 'repository:a/b:pull' }]],
  ],
  [
    'Negotiate, Basic realm=x',
    [
      ['negotiate', {}],
      ['basic', { realm: 'x' }],
    ],
  ],
  ['BEARER Realm = "a" , Service=b', [['bearer', { realm: 'a', service: 'b' }]]],
  [
    'Bearer realm="a, Basic b=\\"c\\"", Basic',
    [
      ['bearer', { realm: 'a, Basic b="c"' }],
      ['basic', {}],
    ],
  ],
  ['', []],
  [',,, ', []],
  ['realm="lost"', []],
  ['"garbage" Basic', []],
  ['Basic realm="never closed', [['basic', { realm: '' }]]],
];

for (const [header, challenges] of parsed) {
  test(`challenge ${JSON.stringify(header)}`, () => {
    const found = parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
    assert.deepEqual(found, challenges);
  });
}

test('a token is preferred to showing the credentials', () => {
  const header = 'Basic realm="x", Bearer realm="https://auth.example",service="s"';
  assert.deepEqual(demandOf(header), { scheme: 'bearer', realm: 'https://auth.example', service: 's' });
});

test('what can not be met is no demand', () => {
  assert.equal(demandOf('Negotiate'), null);
  assert.equal(demandOf('Bearer service="no realm"'), null);
  assert.deepEqual(demandOf('Bearer, Basic realm="x"'), { scheme: 'basic' });
});

test('a hostile header of any length is read in linear time', () => {
  const started = performance.now();
  parseChallenges(`Bearer ${'a="\\'.repeat(100_000)}`);
  parseChallenges(`${' ,'.repeat(200_000)}"`);
  assert.ok(performance.now() - started < 2000);
});

import assert from 'node:assert/strict';
import test from 'node:test';
import { applyChanges, type ConfigFields } from './change.ts';

const cases: readonly (readonly [readonly string[], ConfigFields])[] = [
  [[], {}],
  [['CMD ["sh", "-c", "ls"]'], { Cmd: ['sh', '-c', 'ls'] }],
  [['CMD echo "hi there"'], { Cmd: ['/bin/sh', '-c', 'echo "hi there"'] }],
  [['cmd ["a"'], { Cmd: ['/bin/sh', '-c', '["a"'] }],
  [['ENTRYPOINT ["/e"]', 'CMD ["x"]', 'CMD []'], { Entrypoint: ['/e'], Cmd: [] }],
  [['ENV A=1 B="two words" C=x\\ y'], { Env: ['A=1', 'B=two words', 'C=x y'] }],
  [['ENV A one two', 'ENV A=2', 'ENV B=$A/${A}z'], { Env: ['A=2', 'B=2/2z'] }],
  [['ENV A=1', 'ENV B=\'$A\' C="$A" D=\\$A E=$none.'], { Env: ['A=1', 'B=$A', 'C=1', 'D=$A', 'E=.'] }],
  [['LABEL a=b "c d"="e f"', 'LABEL a=z'], { Labels: { a: 'z', 'c d': 'e f' } }],
  [['WORKDIR /a', 'WORKDIR b', 'WORKDIR ../c'], { WorkingDir: '/a/c' }],
  [['USER app:staff'], { User: 'app:staff' }],
  [
    ['EXPOSE 80 53/udp', 'EXPOSE 8000-8001'],
    { ExposedPorts: { '80/tcp': {}, '53/udp': {}, '8000/tcp': {}, '8001/tcp': {} } },
  ],
  [['VOLUME /a /b', 'VOLUME ["/c d"]'], { Volumes: { '/a': {}, '/b': {}, '/c d': {} } }],
  [['STOPSIGNAL SIGINT'], { StopSignal: 'SIGINT' }],
  [['ONBUILD RUN ls', 'ONBUILD COPY . /x'], { OnBuild: ['RUN ls', 'COPY . /x'] }],
  [['  ENV   A=1  '], { Env: ['A=1'] }],
];

for (const [changes, config] of cases) {
  test(`change ${JSON.stringify(changes)}`, () => assert.deepEqual(applyChanges(changes), config));
}

const refused: readonly (readonly [string, string])[] = [
  ['', 'invalid'],
  ['NONSENSE x', 'invalid'],
  ['CMD', 'invalid'],
  ['ENV A', 'invalid'],
  ['ENV A="1', 'invalid'],
  ['ENV A=${B:-c}', 'invalid'],
  ['ENV =1 A=2', 'invalid'],
  ['WORKDIR a b', 'invalid'],
  ['EXPOSE 0', 'invalid'],
  ['EXPOSE 70000', 'invalid'],
  ['EXPOSE 5-3', 'invalid'],
  ['EXPOSE 80/icmp', 'invalid'],
  ['VOLUME data', 'invalid'],
  ['STOPSIGNAL no signal', 'invalid'],
  ['__proto__ x', 'invalid'],
  ['RUN ls', 'unsupported'],
  ['ONBUILD', 'invalid'],
  ['ONBUILD RUN', 'invalid'],
  ['ONBUILD ls', 'invalid'],
  ['ONBUILD FROM x', 'invalid'],
  ['ONBUILD ONBUILD RUN ls', 'invalid'],
];

for (const [change, code] of refused) {
  test(`refused: ${change}`, () => assert.throws(() => applyChanges([change]), { code }));
}

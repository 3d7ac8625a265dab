import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'smol-toml';
import { endpointsOf, isInsecure } from './endpoint.ts';
import { inNetwork } from './ip-network.ts';
import { mergeConfigs, readDaemonJson, readRegistriesConf } from './registry-config.ts';
import { failsWith } from './testing.ts';

function config(toml: string) {
  return mergeConfigs([readRegistriesConf(parse(toml), 'test.conf')]);
}

const file = config(`
unqualified-search-registries = ["docker.io", "quay.io"]
[aliases]
"tool" = "quay.io/team/tool"
[[registry]]
location = "docker.io"
[[registry.mirror]]
location = "mirror.example:5000/hub"
insecure = true
[[registry.mirror]]
location = "pinned.example"
pull-from-mirror = "digest-only"
[[registry]]
prefix = "quay.io/team"
location = "inside.example/quay"
[[registry]]
prefix = "*.corp.example"
insecure = true
[[registry]]
prefix = "bad.example"
blocked = true
[[registry]]
prefix = "bad.example/good"
`);

const by = 'tag';
const places: readonly (readonly [registry: string, name: string, by: 'tag' | 'digest' | null, string[]])[] = [
  [
    'docker.io',
    'library/alpine',
    'tag',
    ['mirror.example:5000 hub/library/alpine', 'registry-1.docker.io library/alpine'],
  ],
  [
    'docker.io',
    'library/alpine',
    'digest',
    ['mirror.example:5000 hub/library/alpine', 'pinned.example library/alpine', 'registry-1.docker.io library/alpine'],
  ],
  ['docker.io', 'library/alpine', null, ['registry-1.docker.io library/alpine']],
  ['quay.io', 'team/tool', by, ['inside.example quay/tool']],
  ['quay.io', 'teams/tool', by, ['quay.io teams/tool']],
  ['a.corp.example:5000', 'x', by, ['a.corp.example:5000 x']],
  ['bad.example', 'good/x', by, ['bad.example good/x']],
  ['docker.io', '', null, ['registry-1.docker.io ']],
];

for (const [registry, name, wantedBy, expected] of places) {
  test(`${registry}/${name} by ${wantedBy} is asked for at ${expected.join(', ')}`, () => {
    const found = endpointsOf(file, { registry, name, by: wantedBy }).map((each) => `${each.host} ${each.name}`);
    assert.deepEqual(found, expected);
  });
}

test('a registry that is blocked is refused, with the entry that says so', () => {
  assert.throws(
    () => endpointsOf(file, { registry: 'bad.example', name: 'x', by }),
    failsWith('denied', /^registry "bad\.example": blocked for "bad\.example\/x"/),
  );
});

test('insecure are those that the configuration names, and no others', () => {
  assert.deepEqual(file.search, ['docker.io', 'quay.io']);
  assert.deepEqual(file.aliases, { tool: 'quay.io/team/tool' });
  const hosts = [
    'mirror.example:5000',
    'mirror.example',
    'a.corp.example:5000',
    'corp.example',
    'registry-1.docker.io',
  ];
  assert.deepEqual(
    hosts.map((host) => isInsecure(file, host)),
    [true, false, true, false, false],
  );
});

test("Docker's daemon.json", () => {
  const daemon = readDaemonJson(
    {
      'registry-mirrors': ['https://mirror.example/', 'http://plain.example:5000'],
      'insecure-registries': ['r.example:5000', '10.0.0.0/8'],
      'log-driver': 'json-file',
    },
    'daemon.json',
  );
  const found = endpointsOf(daemon, { registry: 'docker.io', name: 'a/b', by }).map(({ host }) => host);
  assert.deepEqual(found, ['mirror.example', 'plain.example:5000', 'registry-1.docker.io']);
  const insecure = ['r.example:5000', 'r.example', '10.1.2.3:5000', '11.1.2.3', 'plain.example:5000', 'mirror.example'];
  assert.deepEqual(
    insecure.map((host) => isInsecure(daemon, host)),
    [true, false, true, false, true, false],
  );
});

test('a later file says more, and what it says holds', () => {
  const conf = readRegistriesConf(parse('[[registry]]\nlocation = "docker.io"\nblocked = true'), 'b');
  const merged = mergeConfigs([readRegistriesConf(parse('unqualified-search-registries = ["quay.io"]'), 'a'), conf]);
  assert.deepEqual(merged.search, ['quay.io']);
  assert.throws(() => endpointsOf(merged, { registry: 'docker.io', name: 'x', by }), failsWith('denied'));
});

for (const toml of [
  '[[registry]]\nlocation = "http://r.example"',
  '[[registry]]\nlocation = "r.example/../x y"',
  '[[registry]]\nprefix = "*."',
  '[[registry]]\nlocation = "r.example"\ninsecure = "yes"',
  'unqualified-search-registries = "docker.io"',
]) {
  test(`refuses ${JSON.stringify(toml)}`, () => {
    assert.throws(() => config(toml), failsWith('invalid', /^registries in "test\.conf": /));
  });
}

test('refuses version 1 of the format and mirrors that are no addresses', () => {
  assert.throws(() => config('[registries.search]\nregistries = ["a"]'), failsWith('unsupported', /version 1/));
  for (const mirror of ['mirror.example', 'https://u:p@m.example', 'ftp://m.example']) {
    assert.throws(
      () => readDaemonJson({ 'registry-mirrors': [mirror] }, 'd'),
      failsWith('invalid', /registry-mirrors/),
    );
  }
});

const networks: readonly (readonly [string, string, boolean])[] = [
  ['10.1.2.3', '10.0.0.0/8', true],
  ['10.1.2.3', '10.1.2.0/23', true],
  ['10.1.4.3', '10.1.2.0/23', false],
  ['11.0.0.1', '10.0.0.0/8', false],
  ['1.2.3.4', '0.0.0.0/0', true],
  ['fd00::1', 'fd00::/8', true],
  ['[fe80::1]', 'fd00::/8', false],
  ['::1', '0.0.0.0/0', false],
  ['host.example', '0.0.0.0/0', false],
  ['10.0.0.1', '10.0.0.0/33', false],
  ['10.0.0.1', '10.0.0.1', false],
  ['256.0.0.1', '0.0.0.0/0', false],
];
for (const [host, network, expected] of networks) {
  test(`${host} in ${network}: ${expected}`, () => assert.equal(inNetwork(host, network), expected));
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseReference } from '../oci/reference.ts';
import { identityMatches } from './identity.ts';
import { type Identity, parsePolicy, requirementsFor, requirementsForPath, scopesOf } from './policy.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const parse = (value: unknown) => parsePolicy(JSON.stringify(value), '/p');
const accept = [{ type: 'insecureAcceptAnything' }];

test('the narrowest scope counts', () => {
  assert.deepEqual(scopesOf(parseReference('quay.io:8443/team/app:1')), [
    'quay.io:8443/team/app:1',
    'quay.io:8443/team/app',
    'quay.io:8443/team',
    'quay.io:8443',
    '*.io',
    '',
  ]);
  assert.deepEqual(scopesOf(parseReference(`a.b.c/x@${digest}`)), [
    `a.b.c/x@${digest}`,
    'a.b.c/x',
    'a.b.c',
    '*.b.c',
    '*.c',
    '',
  ]);
  const sigstore = [{ type: 'sigstoreSigned', keyPath: '/k' }];
  const policy = parse({
    default: [{ type: 'reject' }],
    transports: {
      docker: { 'docker.io/library': accept, 'docker.io/library/app:2': sigstore, '*.example': accept },
      dir: { '': accept },
    },
  });
  const typeFor = (name: string) => requirementsFor(policy, parseReference(name))[0]?.type;
  assert.equal(typeFor('app:1'), 'insecureAcceptAnything');
  assert.equal(typeFor('app:2'), 'sigstoreSigned');
  assert.equal(typeFor('a.b.example/x'), 'insecureAcceptAnything');
  assert.equal(typeFor('example/x'), 'reject');
  assert.equal(typeFor('docker.io/other/app'), 'reject');
});

test('files are let in by their place', () => {
  const policy = parse({
    default: [{ type: 'reject' }],
    transports: { dir: { '/srv/images': accept, '/srv/images/bad': [{ type: 'reject' }] }, oci: { '': accept } },
  });
  const typeFor = (transport: string, path: string) => requirementsForPath(policy, transport, path)[0]?.type;
  assert.equal(typeFor('dir', '/srv/images/good'), 'insecureAcceptAnything');
  assert.equal(typeFor('dir', '/srv/images'), 'insecureAcceptAnything');
  assert.equal(typeFor('dir', '/srv/images2'), 'reject');
  assert.equal(typeFor('dir', '/srv/images/bad/x'), 'reject');
  assert.equal(typeFor('oci', '/anywhere'), 'insecureAcceptAnything');
  assert.equal(typeFor('docker-archive', '/x'), 'reject');
});

test('keys by path or as they are, the identity by default', () => {
  const policy = parse({
    default: [
      { type: 'sigstoreSigned', keyData: Buffer.from('key').toString('base64') },
      {
        type: 'signedBy',
        keyType: 'GPGKeys',
        keyPaths: ['/a', '/b'],
        signedIdentity: { type: 'exactReference', dockerReference: 'x/y:1' },
      },
    ],
  });
  assert.deepEqual(policy.fallback, [
    {
      type: 'sigstoreSigned',
      keys: { paths: [], data: [Buffer.from('key')] },
      identity: { type: 'matchRepoDigestOrExact' },
    },
    {
      type: 'signedBy',
      keys: { paths: ['/a', '/b'], data: [] },
      identity: { type: 'exactReference', dockerReference: 'x/y:1' },
    },
  ]);
});

const signed = { type: 'sigstoreSigned', keyPath: '/k' };
const refused: Readonly<Record<string, unknown>> = {
  'no default': {},
  'no requirement': { default: [] },
  'a requirement that is not known': { default: [{ type: 'signedByFriends' }] },
  'a field that is not known': { default: accept, more: 1 },
  'a field of a requirement that is not known': { default: [{ ...signed, friends: {} }] },
  'no key': { default: [{ type: 'sigstoreSigned' }] },
  'two kinds of keys': { default: [{ ...signed, keyData: 'AA==' }] },
  'an empty list of keys': { default: [{ type: 'sigstoreSigned', keyPaths: [] }] },
  'keys of another type': { default: [{ type: 'signedBy', keyType: 'X509', keyPath: '/k' }] },
  'an identity that is not known': { default: [{ ...signed, signedIdentity: { type: 'any' } }] },
  'an identity without its name': { default: [{ ...signed, signedIdentity: { type: 'exactReference' } }] },
  'a scope without requirements': { default: accept, transports: { docker: { 'quay.io': [] } } },
};
for (const [name, value] of Object.entries(refused)) {
  test(`refused: ${name}`, () => assert.throws(() => parse(value), { code: 'invalid', message: /^policy "\/p"/ }));
}
for (const field of ['fulcio', 'pki', 'rekorPublicKeyPath', 'rekorPublicKeyDatas']) {
  test(`refused by name: ${field}`, () => {
    const message = new RegExp(`^policy "/p": default\\[0\\]: "${field}": keyless signatures`);
    assert.throws(() => parse({ default: [{ ...signed, [field]: {} }] }), { code: 'unsupported', message });
  });
}
test('refused: not JSON', () => assert.throws(() => parsePolicy('{', '/p'), { code: 'invalid' }));

const identities: readonly (readonly [identity: Identity, signed: string, asked: string, matches: boolean])[] = [
  [{ type: 'matchExact' }, 'docker.io/library/app:1', 'app:1', true],
  [{ type: 'matchExact' }, 'docker.io/library/app:1', 'app:2', false],
  [{ type: 'matchExact' }, 'docker.io/library/app', 'app:latest', false],
  [{ type: 'matchExact' }, 'docker.io/library/app:1', `app@${digest}`, false],
  [{ type: 'matchRepoDigestOrExact' }, 'docker.io/library/app:1', `app@${digest}`, true],
  [{ type: 'matchRepoDigestOrExact' }, 'docker.io/library/app:1', 'app:2', false],
  [{ type: 'matchRepository' }, 'docker.io/library/app:1', 'app:2', true],
  [{ type: 'matchRepository' }, 'docker.io/library/app', 'app:2', true],
  [{ type: 'matchRepository' }, 'docker.io/library/app2', 'app:2', false],
  [{ type: 'matchRepository' }, 'quay.io/library/app', 'app', false],
  [{ type: 'matchRepository' }, '../app', 'app', false],
  [{ type: 'exactReference', dockerReference: 'quay.io/x:1' }, 'quay.io/x:1', 'app', true],
  [{ type: 'exactReference', dockerReference: 'quay.io/x' }, 'quay.io/x:latest', 'app', false],
  [{ type: 'exactRepository', dockerRepository: 'quay.io/x' }, 'quay.io/x:7', 'app', true],
  [
    { type: 'remapIdentity', prefix: 'mirror.io/v', signedPrefix: 'quay.io' },
    'quay.io/app:1',
    'mirror.io/v/app:1',
    true,
  ],
  [
    { type: 'remapIdentity', prefix: 'mirror.io/v', signedPrefix: 'quay.io' },
    'quay.io/app:1',
    'mirror.io/vv/app:1',
    false,
  ],
  [{ type: 'remapIdentity', prefix: 'mirror.io/v', signedPrefix: 'quay.io' }, 'docker.io/library/app:1', 'app:1', true],
];
for (const [identity, name, asked, matches] of identities) {
  test(`${identity.type}: "${name}" for "${asked.slice(0, 30)}": ${matches}`, () =>
    assert.equal(identityMatches(identity, name, parseReference(asked)), matches));
}

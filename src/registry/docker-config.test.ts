import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Credentials } from './credentials.ts';
import { dockerConfigPath, findCredentials, readDockerConfig } from './docker-config.ts';
import { failsWith } from './testing.ts';

const encode = (text: string) => Buffer.from(text).toString('base64');
const user = { username: 'user', password: 'pa:ss' };
const auth = encode('user:pa:ss');

const found: readonly (readonly [what: string, auths: object, registry: string, Credentials | null])[] = [
  ['by host', { 'r.example:5000': { auth } }, 'r.example:5000', user],
  ['by old address', { 'https://r.example/v1/': { auth } }, 'r.example', user],
  [
    'exact before similar',
    { 'https://r.example': { auth: encode('no:no') }, 'r.example': { auth } },
    'r.example',
    user,
  ],
  ['Docker Hub', { 'https://index.docker.io/v1/': { auth } }, 'docker.io', user],
  ['padded', { r: { auth: encode('user:pa:ss\0\0') } }, 'r', user],
  ['in plain fields', { r: { username: 'user', password: 'pa:ss' } }, 'r', user],
  ['an identity token', { r: { auth: encode('<token>:'), identitytoken: 'abc' } }, 'r', { identityToken: 'abc' }],
  ['a registry token', { r: { registrytoken: 'abc' } }, 'r', { registryToken: 'abc' }],
  ['an entry without any', { r: {} }, 'r', null],
  ['another port', { 'r.example:5000': { auth } }, 'r.example', null],
  ['another host', { 'r.example': { auth } }, 'evil-r.example', null],
  ['a host that begins so', { 'r.example': { auth } }, 'r.example.evil', null],
  ['another path of the host', { 'r.example/team': { auth } }, 'r.example', null],
  ['a mirror of Docker Hub', { 'https://index.docker.io/v1/': { auth } }, 'mirror.example', null],
  ['a name of Object.prototype', {}, 'constructor', null],
];

for (const [what, auths, registry, credentials] of found) {
  test(`credentials: ${what}`, () => {
    assert.deepEqual(findCredentials(JSON.stringify({ auths }), registry, 'x'), { credentials, helper: null });
  });
}

test('a program that keeps credentials is named, its own one first', () => {
  const config = JSON.stringify({ auths: { r: {} }, credsStore: 'desktop', credHelpers: { q: 'ecr-login' } });
  assert.deepEqual(findCredentials(config, 'r', 'x'), { credentials: null, helper: 'desktop' });
  assert.deepEqual(findCredentials(config, 'q', 'x'), { credentials: null, helper: 'ecr-login' });
});

const broken = [
  '{"auths":{"r":{"auth":"SECRET"}}} and more',
  '{"auths":"SECRET"}',
  '{"auths":{"r":{"auth":"SECRET"}}}',
  '[]',
  '',
];
for (const content of broken) {
  test(`refuses, and does not quote, ${JSON.stringify(content)}`, () => {
    try {
      findCredentials(content, 'r', '/etc/x.json');
      assert.fail('was accepted');
    } catch (error) {
      failsWith('invalid', /"\/etc\/x\.json"/)(error);
      assert.doesNotMatch(String((error as Error).message), /SECRET/);
      assert.equal((error as Error).cause, undefined);
    }
  });
}

test('no file means no credentials', () => {
  const directory = mkdtempSync(join(tmpdir(), 'onggi-'));
  try {
    const path = join(directory, 'config.json');
    assert.deepEqual(readDockerConfig(path, 'r'), { credentials: null, helper: null });
    writeFileSync(path, JSON.stringify({ auths: { r: { auth } } }));
    assert.deepEqual(readDockerConfig(path, 'r'), { credentials: user, helper: null });
    assert.deepEqual(readDockerConfig(join(path, 'below-a-file'), 'r'), { credentials: null, helper: null });
    writeFileSync(path, ' '.repeat(2 ** 20 + 1));
    assert.throws(() => readDockerConfig(path, 'r'), failsWith('invalid', /over/));
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('the place is that of the Docker CLI', () => {
  assert.equal(dockerConfigPath({ DOCKER_CONFIG: '/d' }), '/d/config.json');
  assert.match(dockerConfigPath({}), /\/\.docker\/config\.json$/);
  assert.match(dockerConfigPath({ DOCKER_CONFIG: '' }), /\/\.docker\/config\.json$/);
});

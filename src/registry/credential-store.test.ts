import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { askHelper, eraseByHelper, listByHelper, storeByHelper } from './credential-helper.ts';
import { credentialFiles, eraseCredentials, findStoredCredentials, storeCredentials } from './credential-store.ts';
import { failsWith } from './testing.ts';

const user = { username: 'user', password: 'canary:password' };

/** A helper that keeps what it is given in a file, as the real ones do in a key ring. */
const helperScript = (directory: string): string => `#!/bin/sh
store=${directory}/kept; mkdir -p $store; input=$(cat)
key() { printf %s "$1" | tr -c a-zA-Z0-9 _; }
case $1 in
  get) f=$store/$(key "$input"); if [ -f $f ]; then cat $f; else echo 'credentials not found in native keychain'; exit 1; fi;;
  store) url=$(printf %s "$input" | sed 's/.*"ServerURL":"\\([^"]*\\)".*/\\1/'); printf %s "$input" > $store/$(key "$url");;
  erase) rm -f $store/$(key "$input");;
  list) echo '{"r.example":"user"}';;
esac
`;

const scripts: Readonly<Record<string, string>> = {
  broken: '#!/bin/sh\ncat >/dev/null; echo "the key ring is locked"; exit 1\n',
  babble: '#!/bin/sh\ncat >/dev/null; echo not json\n',
  flood: '#!/bin/sh\nexec cat /dev/zero\n',
};

function world(): { readonly path: string; readonly config: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'onggi-credentials-'));
  const before = process.env['PATH'];
  for (const [name, script] of Object.entries({ ...scripts, keep: helperScript(path) })) {
    writeFileSync(join(path, `docker-credential-${name}`), script, { mode: 0o755 });
  }
  process.env['PATH'] = `${path}:${before}`;
  return {
    path,
    config: join(path, 'docker/config.json'),
    [Symbol.dispose]() {
      process.env['PATH'] = before;
      rmSync(path, { recursive: true });
    },
  };
}

function writeConfig(path: string, document: object): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, JSON.stringify(document));
}

test('what is stored is found, in a file of its owner alone, with all else kept', async () => {
  using place = world();
  assert.deepEqual(await storeCredentials(place.config, 'r.example', user), { place: place.config, encrypted: false });
  assert.equal(statSync(place.config).mode & 0o777, 0o600);
  assert.deepEqual((await findStoredCredentials([place.config], 'r.example')).credentials, user);
  const document = { ...JSON.parse(readFileSync(place.config, 'utf8')), proxies: { default: {} }, psFormat: 'x' };
  writeConfig(place.config, document);
  await storeCredentials(place.config, 'docker.io', { identityToken: 'canary-token' });
  const written = JSON.parse(readFileSync(place.config, 'utf8'));
  assert.deepEqual(Object.keys(written.auths), ['r.example', 'https://index.docker.io/v1/']);
  assert.equal(written.psFormat, 'x');
  assert.deepEqual(written.proxies, { default: {} });
  const hub = await findStoredCredentials([place.config], 'docker.io');
  assert.deepEqual(hub.credentials, { identityToken: 'canary-token' });
  assert.equal(await eraseCredentials(place.config, 'r.example'), true);
  assert.equal(await eraseCredentials(place.config, 'r.example'), false);
  assert.equal((await findStoredCredentials([place.config], 'r.example')).credentials, null);
  assert.ok((await findStoredCredentials([place.config], 'docker.io')).credentials);
});

test('a link to the file is kept, and so is a file that is broken', async () => {
  using place = world();
  const real = join(place.path, 'real.json');
  writeConfig(real, {});
  mkdirSync(join(place.path, 'docker'));
  symlinkSync(real, place.config);
  await storeCredentials(place.config, 'r.example', user);
  assert.ok(readFileSync(real, 'utf8').includes('r.example'));
  writeFileSync(real, '{ canary');
  await assert.rejects(storeCredentials(place.config, 'r.example', user), (error) => {
    assert.doesNotMatch(inspect(error, { depth: 10 }), /canary/);
    return failsWith('invalid', /not JSON/)(error);
  });
  assert.equal(readFileSync(real, 'utf8'), '{ canary');
});

test('a helper keeps them in the place of the file', async () => {
  using place = world();
  writeConfig(place.config, { credHelpers: { 'r.example': 'keep' } });
  const stored = await storeCredentials(place.config, 'r.example', user);
  assert.deepEqual(stored, { place: 'docker-credential-keep', encrypted: true });
  assert.doesNotMatch(readFileSync(place.config, 'utf8'), /canary|Y2FuYXJ5/);
  const found = await findStoredCredentials([place.config], 'r.example');
  assert.deepEqual(found, { credentials: user, place: 'docker-credential-keep' });
  assert.equal(await eraseCredentials(place.config, 'r.example'), true);
  assert.equal((await findStoredCredentials([place.config], 'r.example')).credentials, null);
});

test('the words of a helper, identity tokens too', async () => {
  using place = world();
  assert.ok(place);
  assert.equal(await askHelper('keep', 'other.example'), null);
  await storeByHelper('keep', 'r.example', { identityToken: 'canary' });
  assert.deepEqual(await askHelper('keep', 'r.example'), { identityToken: 'canary' });
  await eraseByHelper('keep', 'r.example');
  await eraseByHelper('keep', 'r.example');
  assert.equal(await askHelper('keep', 'r.example'), null);
  assert.deepEqual(await listByHelper('keep'), { 'r.example': 'user' });
});

test('a helper that is missing, fails, or says something else', async () => {
  using place = world();
  assert.ok(place);
  await assert.rejects(
    askHelper('nowhere', 'r'),
    failsWith('not-found', /"docker-credential-nowhere": no such program/),
  );
  await assert.rejects(askHelper('broken', 'r'), failsWith('unavailable', /the key ring is locked/));
  await assert.rejects(askHelper('babble', 'r'), failsWith('unavailable', /no such answer/));
  await assert.rejects(askHelper('flood', 'r'), failsWith('unavailable'));
  for (const name of ['../../bin/sh', '/bin/sh', '-x', '', 'a b']) {
    await assert.rejects(askHelper(name, 'r'), failsWith('invalid', /not the name of a helper/));
  }
});

test('where they are looked for, and which file wins', async () => {
  using place = world();
  const environment = {
    HOME: place.path,
    DOCKER_CONFIG: join(place.path, 'docker'),
    XDG_RUNTIME_DIR: join(place.path, 'run'),
  };
  const [docker = '', podman = '', home = ''] = credentialFiles(environment);
  assert.deepEqual(
    [docker, podman, home],
    ['docker/config.json', 'run/containers/auth.json', '.config/containers/auth.json'].map((name) =>
      join(place.path, name),
    ),
  );
  assert.equal(credentialFiles({ ...environment, REGISTRY_AUTH_FILE: '/x/auth.json' })[0], '/x/auth.json');
  assert.deepEqual(credentialFiles(environment, '/mine'), ['/mine']);
  const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
  writeConfig(podman, {
    auths: { 'quay.io/team': auth('team:1'), 'quay.io': auth('all:2'), 'r.example': auth('p:3') },
  });
  writeConfig(docker, { auths: { 'r.example': auth('d:4') } });
  const find = async (registry: string, name: string) => {
    const { credentials } = await findStoredCredentials(credentialFiles(environment), registry, name);
    return credentials !== null && 'username' in credentials ? credentials.username : null;
  };
  assert.equal(await find('quay.io', 'team/tool'), 'team');
  assert.equal(await find('quay.io', 'teams/tool'), 'all');
  assert.equal(await find('r.example', 'x'), 'd');
  assert.equal(await find('other.example', 'x'), null);
});

/** `onggi login`, `logout` and `search` as users see them, against Debian's registry and a token server. */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { basicAuthorization } from '../../src/registry/credentials.ts';
import { sendJson, serve } from '../../src/registry/testing.ts';
import { makeCertificates } from '../harness/certificate.ts';
import { startRegistry } from '../harness/registry.ts';
import { binary, imageTest, type World } from '../harness/system-test.ts';
import { openTerminal } from '../harness/terminal.ts';
import { pushImage, smallImage } from '../harness/test-image.ts';

const user = { user: 'user', password: 'canary-password' };

/** An environment without anybody's credentials and configuration. */
function place(world: World) {
  const docker = join(world.scratch, 'docker');
  const conf = join(world.scratch, 'registries.conf');
  writeFileSync(conf, '');
  const env = {
    DOCKER_CONFIG: docker,
    HOME: world.scratch,
    ONGGI_REGISTRIES_CONF: conf,
    XDG_RUNTIME_DIR: world.scratch,
    REGISTRY_AUTH_FILE: undefined,
  };
  return { env, conf, config: join(docker, 'config.json') };
}

imageTest('login is tried, kept, used, and forgotten by logout', ['docker-registry', 'htpasswd'], async (world) => {
  const { env, config } = place(world);
  await using registry = await startRegistry(user);
  await pushImage(registry, 'app', smallImage(1), 'v1');
  const name = `${registry.host}/app:v1`;
  const denied = await world.onggi(['pull', name], { env });
  assert.match(denied.stderr, new RegExp(`onggi login ${registry.host}`));
  const wrong = await world.onggi(['login', '-u', 'user', '--password-stdin', registry.host], {
    env,
    input: 'canary-no',
  });
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /log in to "127\.0\.0\.1:\d+"/);
  assert.doesNotMatch(wrong.stderr, /canary/);
  assert.ok(!existsSync(config));
  const args = ['login', '--username', 'user', '--password-stdin', `http://${registry.host}/v2/`];
  const right = await world.onggi(args, { env, input: `${user.password}\n` });
  assert.equal(right.stdout, 'Login Succeeded\n', right.stderr);
  assert.match(right.stderr, /kept unencrypted in \S+config\.json/);
  const auth = Buffer.from(`${user.user}:${user.password}`).toString('base64');
  assert.deepEqual(JSON.parse(readFileSync(config, 'utf8')), { auths: { [registry.host]: { auth } } });
  const again = await world.ok(['login', registry.host], { env });
  assert.match(again, /^Authenticating with existing credentials.*user.*\nLogin Succeeded$/);
  await world.ok(['pull', '-q', name], { env });
  assert.equal(await world.ok(['logout', registry.host], { env }), `Removing login credentials for ${registry.host}`);
  assert.equal(
    await world.ok(['logout', registry.host], { env }),
    `Removing login credentials for ${registry.host}`,
    'again: nothing to do',
  );
  assert.deepEqual(JSON.parse(readFileSync(config, 'utf8')), { auths: {} });
  const exposed = await world.onggi(['login', '-u', 'user', '-p', user.password, registry.host], { env });
  assert.match(exposed.stderr, /^WARNING! Using --password via the CLI is insecure\. Use --password-stdin\.\n/);
});

imageTest(
  'asked for on a terminal, a password is not shown',
  ['docker-registry', 'htpasswd', 'python3'],
  async (world) => {
    const { env, config } = place(world);
    await using registry = await startRegistry(user);
    const before = { ...process.env };
    Object.assign(process.env, env);
    try {
      await using terminal = openTerminal(binary, ['--root', world.root, 'login', registry.host]);
      await terminal.expect(/Username: /);
      terminal.type('userx\x7f\r');
      await terminal.expect(/Password: /);
      terminal.type(`${user.password}\r`);
      await terminal.expect(/Login Succeeded/);
      assert.equal(await terminal.exit, 0);
      assert.doesNotMatch(terminal.screen(), /canary/);
      assert.match(readFileSync(config, 'utf8'), new RegExp(registry.host));
      await using given = openTerminal(binary, ['--root', world.root, 'login', '-u', 'user', 'other.example:1']);
      await given.expect(/Password: /);
      given.type('\x03');
      assert.equal(await given.exit, 130);
    } finally {
      for (const name of Object.keys(env)) process.env[name] = before[name];
      if (before['REGISTRY_AUTH_FILE'] === undefined) delete process.env['REGISTRY_AUTH_FILE'];
    }
  },
);

imageTest('a credential helper that is not there is named', [], async (world) => {
  const { env, config } = place(world);
  mkdirSync(join(world.scratch, 'docker'));
  writeFileSync(config, JSON.stringify({ credsStore: 'nope' }));
  const pulled = await world.onggi(['pull', '127.0.0.1:1/app'], { env });
  assert.deepEqual(
    [pulled.status, /credential helper "docker-credential-nope": no such program/.test(pulled.stderr)],
    [1, true],
    pulled.stderr,
  );
});

imageTest('a token server that gives an identity token: only that is kept, and it serves', [], async (world) => {
  const { env, config } = place(world);
  const basic = basicAuthorization(user.user, user.password);
  await using tokens = await serve(({ method, path, headers, body }, response) => {
    const form = new URLSearchParams(body);
    if (method === 'POST' && form.get('refresh_token') === 'canary-refresh') {
      sendJson(response, 200, { access_token: 'canary-access', scope: form.get('scope') });
    } else if (headers.authorization === basic) {
      const offline = path.includes('offline_token=true') ? { refresh_token: 'canary-refresh' } : {};
      sendJson(response, 200, { token: 'canary-access', ...offline });
    } else sendJson(response, 401, { details: 'who?' });
  }, '127.0.0.2');
  // A first look without credentials finds out about TLS; it is answered like any other.
  const registry = createServer((request, response) => {
    const challenge = { 'www-authenticate': `Bearer realm="http://${tokens.host}/token",service="s"` };
    if (request.headers.authorization === 'Bearer canary-access') sendJson(response, 200, { tags: ['v1'] });
    else sendJson(response, 401, {}, challenge);
  });
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
  await using _ = {
    async [Symbol.asyncDispose]() {
      registry.closeAllConnections();
      await new Promise((resolve) => registry.close(resolve));
    },
  };
  const address = registry.address();
  const host = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  mkdirSync(join(world.scratch, 'docker'));
  writeFileSync(config, JSON.stringify({ auths: { 'r.example': { identitytoken: 'canary-old' } }, other: 1 }));
  const wrong = await world.onggi(['login', '-u', 'user', '--password-stdin', host], { env, input: 'canary-wrong' });
  assert.match(wrong.stderr, /token for "127\.0\.0\.1:\d+": "127\.0\.0\.2:\d+" answered 401 \(who\?\)/);
  const right = await world.onggi(['login', '-u', 'user', '--password-stdin', host], { env, input: user.password });
  assert.equal(right.status, 0, right.stderr);
  assert.deepEqual(JSON.parse(readFileSync(config, 'utf8')), {
    auths: { 'r.example': { identitytoken: 'canary-old' }, [host]: { identitytoken: 'canary-refresh' } },
    other: 1,
  });
  assert.match(await world.ok(['login', host], { env }), /Login Succeeded/);
  assert.ok(tokens.requests.some(({ method }) => method === 'POST'));
});

imageTest('a private authority and a client certificate, by certs.d', ['docker-registry', 'openssl'], async (world) => {
  const { env } = place(world);
  const { authority, server, client } = await makeCertificates(world.scratch);
  await using registry = await startRegistry(undefined, { ...server, clientAuthority: authority });
  const untrusted = await world.onggi(['pull', `${registry.host}/app`], { env });
  assert.match(untrusted.stderr, /certificate is not trusted/);
  const directory = join(world.scratch, '.config/containers/certs.d', registry.host);
  mkdirSync(directory, { recursive: true });
  copyFileSync(authority, join(directory, 'ca.crt'));
  const stranger = await world.onggi(['pull', `${registry.host}/app`], { env });
  assert.equal(stranger.status, 1);
  copyFileSync(client.certificate, join(directory, 'me.cert'));
  copyFileSync(client.key, join(directory, 'me.key'));
  const known = await world.onggi(['pull', `${registry.host}/app`], { env });
  assert.match(known.stderr, /answered 404 \(NAME_UNKNOWN|answered 404 \(MANIFEST_UNKNOWN/);
});

imageTest(
  'mirrors, insecure and blocked registries, by registries.conf',
  ['docker-registry', 'openssl'],
  async (world) => {
    const { env, conf } = place(world);
    await using registry = await startRegistry();
    const image = smallImage(1);
    await pushImage(registry, 'mirrored/team/app', image, 'v1');
    writeFileSync(
      conf,
      `[[registry]]
prefix = "unreachable.example"
[[registry.mirror]]
location = "127.0.0.1:1"
[[registry.mirror]]
location = "${registry.host}/mirrored"
[[registry]]
prefix = "blocked.example"
blocked = true
`,
    );
    const pulled = await world.onggi(['pull', 'unreachable.example/team/app:v1'], { env });
    assert.equal(pulled.status, 0, pulled.stderr);
    assert.match(pulled.stderr, /WARNING: mirror "127\.0\.0\.1:1" is passed over: .*connection refused/);
    assert.equal(
      await world.ok(['images', '--format', '{{.Repository}}:{{.Tag}}'], { env }),
      'unreachable.example/team/app:v1',
    );
    const blocked = await world.onggi(['pull', 'blocked.example/x'], { env });
    assert.match(blocked.stderr, /registry "blocked\.example": blocked/);
    writeFileSync(conf, '[[registry]]\nlocation = 7');
    const broken = await world.onggi(['pull', 'x.example/x'], { env });
    assert.match(broken.stderr, /registries in "\S+registries\.conf": field "registry\.0\.location"/);
  },
);

imageTest('a name without a registry, by a search list of our own', ['docker-registry'], async (world) => {
  const { env, conf } = place(world);
  await using first = await startRegistry();
  await using second = await startRegistry();
  await pushImage(second, 'tool', smallImage(1), 'latest');
  writeFileSync(conf, `unqualified-search-registries = ["${first.host}", "${second.host}"]\n`);
  const pulled = await world.onggi(['pull', 'tool'], { env });
  assert.equal(pulled.status, 0, pulled.stderr);
  assert.match(pulled.stderr, new RegExp(`image "${first.host}/tool:latest": .*answered 404`));
  assert.ok(pulled.stdout.endsWith(`${second.host}/tool:latest\n`));
  await world.ok(['create', '--pull', 'never', 'tool', 'true'], { env });
  assert.equal((await world.onggi(['create', '--pull', 'never', 'other', 'true'], { env })).status, 1);
  const id = await world.ok(['create', 'tool', 'true'], { env });
  assert.equal(await world.ok(['inspect', '-f', '{{.Config.Image}}', id], { env }), `${second.host}/tool:latest`);
  writeFileSync(conf, `unqualified-search-registries = ["127.0.0.1:1", "${second.host}"]\n`);
  const away = await world.onggi(['pull', 'tool'], { env });
  assert.match(away.stderr, /image "127\.0\.0\.1:1\/tool:latest": .*connection refused/);
  assert.equal(away.status, 1);
});

imageTest('search in a registry that can be searched', [], async (world) => {
  const { env } = place(world);
  const results = [
    { name: 'box', description: `one\n\u001b[31m${'x'.repeat(60)}`, star_count: 20, is_official: true },
    { name: 'team/box', description: 'two', star_count: 3, is_official: false, is_automated: true },
  ];
  await using server = await serve(({ path }, response) => {
    if (path.startsWith('/v1/search?')) sendJson(response, 200, { num_results: 2, results });
    else sendJson(response, 404, {});
  });
  const table = await world.ok(['search', '--limit', '2', `${server.host}/box`], { env });
  assert.match(table, /^NAME {6,}DESCRIPTION +STARS +OFFICIAL\nbox .*x…\s+20 +\[OK\]\nteam\/box +two +3 *$/);
  assert.equal(server.requests.at(-1)?.path, '/v1/search?q=box&n=2');
  const json = ['search', '--filter', 'stars=10', '--no-trunc', '--format', 'json', `${server.host}/box`];
  const printed = await world.ok(json, { env });
  assert.deepEqual(JSON.parse(printed).Name, 'box');
  assert.equal(
    await world.ok(['search', '-f', 'is-official=false', '--format', '{{.Name}}', `${server.host}/b`], { env }),
    'team/box',
  );
  assert.match((await world.onggi(['search', '--limit', '101', 'x'], { env })).stderr, /out of range/);
  await using none = await serve((_, response) => sendJson(response, 404, {}));
  assert.match(
    (await world.onggi(['search', `${none.host}/box`], { env })).stderr,
    /search for ".*": ".*" answered 404/,
  );
});

imageTest('many logins and logouts at once lose nothing of one another', [], async (world) => {
  const { env, config } = place(world);
  await using undo = new AsyncDisposableStack();
  const hosts: string[] = [];
  for (let count = 0; count < 12; count += 1) hosts.push(undo.use(await serve(() => {})).host);
  const [out = '', ...into] = hosts;
  const login = (host: string) =>
    world.onggi(['login', '-u', 'me', '--password-stdin', host], { env, input: `secret of ${host}` });
  await login(out);
  writeFileSync(config, JSON.stringify({ ...JSON.parse(readFileSync(config, 'utf8')), psFormat: 'kept' }));
  const done = await Promise.all([...into.map(login), world.onggi(['logout', out], { env })]);
  assert.deepEqual(
    done.map(({ status }) => status),
    done.map(() => 0),
  );
  const { auths, psFormat } = JSON.parse(readFileSync(config, 'utf8'));
  assert.deepEqual(Object.keys(auths).sort(), [...into].sort());
  assert.equal(psFormat, 'kept');
  for (const host of into) {
    assert.equal(Buffer.from(auths[host].auth, 'base64').toString(), `me:secret of ${host}`);
  }
  assert.deepEqual(readdirSync(join(world.scratch, 'docker')), ['config.json'], 'no lock is left behind');
});

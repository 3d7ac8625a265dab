/**
 * Registries that attack (THREATS, classes G, Q and R), against the compiled program and, where the runtime makes the
 * difference, the library under Node. Each is an error that names registry, repository and reason; nothing is registered.
 */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type Digest, sha256 } from '../../src/oci/digest.ts';
import { openRepository } from '../../src/registry/repository.ts';
import { requestSmall } from '../../src/registry/request.ts';
import { type Answer, impatient, sendJson, serve } from '../../src/registry/testing.ts';
import { makeCertificates } from '../harness/certificate.ts';
import { run } from '../harness/program.ts';
import { imageTest, type World } from '../harness/system-test.ts';
import { servesImages, smallImage } from '../harness/test-image.ts';

const basic = `Basic ${Buffer.from('user:canary-password').toString('base64')}`;

function environment(world: World, host?: string) {
  const docker = join(world.scratch, 'docker');
  mkdirSync(docker, { recursive: true });
  const auths = host === undefined ? {} : { [host]: { auth: basic.slice(6) } };
  writeFileSync(join(docker, 'config.json'), JSON.stringify({ auths }));
  return { DOCKER_CONFIG: docker, HOME: world.scratch, ONGGI_REGISTRIES_CONF: '/dev/null' };
}

/** Says what `speak` says to whoever sends anything. */
async function speaking(speak: (socket: Socket) => void) {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {}).once('data', () => speak(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Writes `text` for as long as it is taken. */
function forEver(socket: Socket, text: string): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(text));
  };
  socket.on('drain', more);
  more();
}

const floods: readonly (readonly [what: string, speak: (socket: Socket) => void, says: RegExp])[] = [
  [
    'one header without end',
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nx: ');
      forEver(socket, 'y'.repeat(65_536));
    },
    /its headers are too large/,
  ],
  [
    'headers without end',
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      forEver(socket, `x: ${'y'.repeat(1000)}\r\n`.repeat(50));
    },
    /its headers are too large|does not speak HTTP/,
  ],
  ['something else than HTTP', (socket) => forEver(socket, '\0garbage'.repeat(1000)), /does not speak HTTP/],
];

for (const [what, speak, says] of floods) {
  imageTest(`a registry that answers with ${what}`, [], async (world) => {
    await using server = await speaking(speak);
    const outcome = await world.onggi(['pull', `${server.host}/app`], { env: environment(world) });
    assert.equal(outcome.status, 1);
    assert.match(outcome.stderr, says);
    assert.match(outcome.stderr, /image "127\.0\.0\.1:\d+\/app:latest": "127\.0\.0\.1:\d+"/);
    const repository = openRepository(server.host, 'app', impatient);
    const ask = { path: 'tags/list', headers: {}, what: 'tags', signal: undefined };
    await assert.rejects(requestSmall(repository, ask, 1000), says);
  });
}

const endless: Answer = (_, response) => {
  response.writeHead(200, { 'content-type': 'application/vnd.oci.image.manifest.v1+json' });
  const more = (): void => {
    while (!response.destroyed && response.write(Buffer.alloc(65_536, ' ')));
  };
  response.on('drain', more);
  more();
};

const image = smallImage(2);
const bounded: readonly (readonly [what: string, Answer, says: RegExp, most: number])[] = [
  ['a manifest without end', endless, /manifest over 4194304 bytes/, 1],
  [
    'a demand for credentials after each answer to it',
    (_, response) => sendJson(response, 401, {}, { 'www-authenticate': 'Basic realm="again"' }),
    /answered 401|refused the user name/,
    2,
  ],
  [
    'a token that is never the right one',
    ({ path, headers }, response) => {
      const realm = `http://${headers.host}/token`;
      if (path.startsWith('/token')) sendJson(response, 200, { token: `t${Math.random()}` });
      else sendJson(response, 401, {}, { 'www-authenticate': `Bearer realm="${realm}"` });
    },
    /answered 401/,
    3,
  ],
  [
    'redirects in a circle',
    ({ path }, response) => response.writeHead(307, { location: `${path}x` }).end(),
    /over 5 redirects/,
    6,
  ],
  [
    'a manifest that is another one',
    (_, response) => {
      const { mediaType, bytes } = image.manifest;
      response.writeHead(200, { 'content-type': mediaType, 'docker-content-digest': sha256('other') }).end(bytes);
    },
    /the bytes that came have digest/,
    1,
  ],
];

for (const [what, answer, says, most] of bounded) {
  imageTest(`a registry with ${what}`, [], async (world) => {
    await using server = await serve(answer);
    const env = environment(world, server.host);
    const outcome = await world.onggi(['pull', `${server.host}/app`], { env });
    assert.equal(outcome.status, 1);
    assert.match(outcome.stderr, says);
    assert.doesNotMatch(outcome.stderr, /canary/);
    assert.ok(server.requests.length <= most, `${server.requests.length} requests`);
    assert.equal(await world.ok(['images', '-aq']), '');
  });
}

imageTest('credentials stay with their registry: redirects, uploads, pages', [], async (world) => {
  const seen: (string | undefined)[] = [];
  await using elsewhere = await serve(({ headers, path }, response) => {
    seen.push(headers.authorization);
    const digest = /sha256:[0-9a-f]{64}/.exec(path)?.[0] ?? '';
    const blob = image.blobs.get(digest as Digest);
    if (blob !== undefined) response.end(blob);
    else sendJson(response, 401, {}, { 'www-authenticate': 'Basic realm="give it to me"' });
  }, '127.0.0.2');
  const honest = servesImages([image]);
  await using registry = await serve((request, response) => {
    const { path, method, headers } = request;
    if (headers.authorization !== basic) {
      sendJson(response, 401, {}, { 'www-authenticate': 'Basic realm="r"' });
    } else if (path.includes('/blobs/uploads/')) {
      response.writeHead(202, { location: `http://${elsewhere.host}/upload?signature=canary-signature` }).end();
    } else if (path.includes('/tags/list')) {
      const link = { link: `<http://${elsewhere.host}/v2/app/tags/list?last=a>; rel="next"` };
      sendJson(response, 200, { name: 'app', tags: ['a'] }, link);
    } else if (path.includes('/blobs/') && method === 'GET') {
      response.writeHead(307, { location: `http://${elsewhere.host}/${path.split('/').at(-1)}?signature=x` }).end();
    } else if (path.includes('/blobs/')) response.writeHead(404).end();
    else honest(request, response);
  });
  const env = environment(world, registry.host);
  const name = `${registry.host}/app`;
  const pulled = await world.onggi(['pull', name], { env });
  assert.equal(pulled.status, 0, pulled.stderr);
  assert.ok(seen.length >= 3);
  const pushed = await world.onggi(['push', name], { env });
  assert.equal(pushed.status, 1);
  assert.match(pushed.stderr, /blob "sha256:\w+" of ".*\/app": "127\.0\.0\.2:\d+" answered 401/);
  const listed = await world.onggi(['pull', '-a', name], { env });
  assert.match(listed.stderr, /tags of ".*\/app": the next page is at "http:\/\/127\.0\.0\.2:\d+"/);
  assert.ok(seen.every((authorization) => authorization === undefined));
  for (const text of [pulled, pushed, listed].map(({ stdout, stderr }) => stdout + stderr)) {
    assert.doesNotMatch(text, /canary/);
    assert.ok(!text.includes(basic.slice(6)));
  }
  const found = await run('grep', ['-r', '-l', '-a', '-e', 'canary', '-e', basic.slice(6), world.root]);
  assert.equal(found.status, 1, found.stdout);
});

imageTest('through a proxy, with its password, to a registry that only it can reach', ['openssl'], async (world) => {
  const { authority, server: own } = await makeCertificates(world.scratch);
  const tls = { key: readFileSync(own.key), cert: readFileSync(own.certificate) };
  await using registry = await serve(servesImages([image]), '127.0.0.1', tls);
  const asked: string[] = [];
  const tunnels = new Set<Socket>();
  const proxy = createHttpServer((_, response) => response.writeHead(403).end());
  proxy.on('connect', (request, client: Socket) => {
    tunnels.add(client);
    asked.push(`${request.url} ${request.headers['proxy-authorization']}`);
    const [address = '', port = ''] = registry.host.split(':');
    const upstream = connect(Number(port), address, () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    for (const socket of [upstream, client]) socket.on('error', () => {}).on('close', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  await using _ = {
    async [Symbol.asyncDispose]() {
      for (const tunnel of tunnels) tunnel.destroy();
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
  const directory = join(world.scratch, '.config/containers/certs.d/registry.test');
  mkdirSync(directory, { recursive: true });
  copyFileSync(authority, join(directory, 'ca.crt'));
  const through = `http://user:canary@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const env = { ...environment(world), HTTPS_PROXY: through, NO_PROXY: '' };
  await world.ok(['pull', 'registry.test/app'], { env });
  const credentials = `Basic ${Buffer.from('user:canary').toString('base64')}`;
  assert.equal(asked[0], `registry.test:443 ${credentials}`);
  const count = asked.length;
  const direct = await world.onggi(['pull', 'registry.test/app'], { env: { ...env, NO_PROXY: '.test' } });
  assert.equal(direct.status, 1);
  assert.equal(asked.length, count);
  assert.doesNotMatch(direct.stderr, /canary/);
  const route = {
    proxy: through,
    insecure: false,
    tls: { authorities: readFileSync(authority, 'utf8'), client: null, verify: true },
  };
  const repository = openRepository('registry.test', 'app', { routes: () => route });
  const ask = { path: `blobs/${image.config.digest}`, headers: {}, what: 'config', signal: undefined };
  assert.equal(sha256((await requestSmall(repository, ask, 1e6)).bytes), image.config.digest);
  assert.equal(asked.at(-1), `registry.test:443 ${credentials}`);
});

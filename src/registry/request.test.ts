import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { inspect } from 'node:util';
import type { OnggiError } from '../errors.ts';
import { basicAuthorization, type Credentials } from './credentials.ts';
import type { Repository } from './repository.ts';
import { requestSmall } from './request.ts';
import { type Answer, failsWith, impatient, sendJson, serve, testRepository } from './testing.ts';

const user = { username: 'user', password: 'canary-password' };
const basic = basicAuthorization(user.username, user.password);

async function get(repository: Repository, signal?: AbortSignal): Promise<string> {
  const answer = await requestSmall(repository, { path: 'tags/list', headers: {}, what: 'tags', signal }, 1000);
  return answer.bytes.toString();
}

/** Says 401 with `challenge` to whoever does not show `wanted`. */
function guarded(challenge: () => string, wanted: string): Answer {
  return ({ headers }, response) => {
    if (headers.authorization === wanted) response.end('welcome');
    else sendJson(response, 401, { errors: [{ code: 'UNAUTHORIZED' }] }, { 'www-authenticate': challenge() });
  };
}

test('shows no credentials before they are asked for, and goes on showing them', async () => {
  await using server = await serve(guarded(() => 'Basic realm="x"', basic));
  const repository = testRepository(server.host, { credentials: user });
  assert.equal(await get(repository), 'welcome');
  assert.equal(await get(repository), 'welcome');
  assert.deepEqual(
    server.requests.map(({ headers }) => headers.authorization),
    [undefined, basic, basic],
  );
});

test('wrong credentials are tried once, and not shown in the error', async () => {
  await using server = await serve(guarded(() => 'Basic realm="x"', 'Basic other'));
  await assert.rejects(get(testRepository(server.host, { credentials: user })), (error) => {
    assert.doesNotMatch(inspect(error, { depth: 10 }), new RegExp(`canary|${basic.slice(6)}`));
    return failsWith('unauthorized', /^tags: /)(error);
  });
  assert.equal(server.requests.length, 2);
});

test('missing credentials are said to be missing', async () => {
  await using server = await serve(guarded(() => 'Basic realm="x"', basic));
  await assert.rejects(get(testRepository(server.host, { advice: 'Log in.' })), (error) => {
    assert.equal((error as OnggiError).hint, 'Log in.');
    return failsWith('unauthorized', /asks for a user name and password/)(error);
  });
  await using strange = await serve(guarded(() => 'Negotiate', basic));
  await assert.rejects(get(testRepository(strange.host)), failsWith('unauthorized', /not known/));
});

/** A token server that gives `token` for `wanted` credentials, and a registry that wants the token. */
async function tokenWorld(wanted: string | undefined, token: object = { token: 'canary-token' }) {
  const tokens = await serve(({ headers }, response) => {
    if (headers.authorization === wanted) sendJson(response, 200, token);
    else sendJson(response, 401, { details: 'incorrect username or password' });
  });
  const challenge = () => `Bearer realm="http://${tokens.host}/token?a=b",service="the registry"`;
  const registry = await serve(guarded(challenge, 'Bearer canary-token'));
  const stack = new AsyncDisposableStack();
  stack.use(tokens);
  stack.use(registry);
  return { tokens, registry, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test('fetches a token for pulling from this repository and keeps it', async () => {
  await using world = await tokenWorld(basic);
  const repository = testRepository(world.registry.host, { credentials: user });
  assert.equal(await get(repository), 'welcome');
  assert.equal(await get(repository), 'welcome');
  const [asked] = world.tokens.requests;
  assert.equal(asked?.path, '/token?a=b&scope=repository%3Aapp%3Apull&service=the+registry&account=user');
  assert.equal(world.tokens.requests.length, 1);
  assert.ok(world.registry.requests.every(({ headers }) => headers.authorization !== basic));
});

test('anonymous tokens, under their other name', async () => {
  await using world = await tokenWorld(undefined, { access_token: 'canary-token', expires_in: 60 });
  assert.equal(await get(testRepository(world.registry.host)), 'welcome');
});

test('requests that are refused together share one token', async () => {
  await using world = await tokenWorld(undefined);
  const repository = testRepository(world.registry.host);
  assert.deepEqual(await Promise.all([1, 2, 3, 4].map(() => get(repository))), Array(4).fill('welcome'));
  assert.equal(world.tokens.requests.length, 1);
});

test('an identity token is exchanged in the body of a POST', async () => {
  await using world = await tokenWorld(undefined);
  const credentials: Credentials = { identityToken: 'canary identity' };
  assert.equal(await get(testRepository(world.registry.host, { credentials })), 'welcome');
  const [asked] = world.tokens.requests;
  assert.equal(asked?.method, 'POST');
  const form = new URLSearchParams(asked?.body);
  assert.equal(form.get('grant_type'), 'refresh_token');
  assert.equal(form.get('refresh_token'), 'canary identity');
  assert.equal(form.get('scope'), 'repository:app:pull');
  assert.doesNotMatch(asked?.path ?? '', /identity/);
});

test('a registry token is shown as it is', async () => {
  await using world = await tokenWorld(undefined);
  const good = testRepository(world.registry.host, { credentials: { registryToken: 'canary-token' } });
  assert.equal(await get(good), 'welcome');
  assert.equal(world.tokens.requests.length, 0);
});

test('an expired token is renewed', async () => {
  let valid = 1;
  await using tokens = await serve((_, response) => sendJson(response, 200, { token: `t${valid}` }));
  await using registry = await serve((request, response) =>
    guarded(() => `Bearer realm="http://${tokens.host}/"`, `Bearer t${valid}`)(request, response),
  );
  const repository = testRepository(registry.host);
  assert.equal(await get(repository), 'welcome');
  valid = 2;
  assert.equal(await get(repository), 'welcome');
  assert.equal(tokens.requests.length, 2);
});

test('a token server that refuses, sends elsewhere or gives no token', async () => {
  await using world = await tokenWorld('Basic other');
  const repository = testRepository(world.registry.host, { credentials: user });
  await assert.rejects(get(repository), failsWith('unauthorized', /incorrect username or password/));
  const strange: readonly (readonly [Answer, Parameters<typeof failsWith>])[] = [
    [(_, response) => response.writeHead(302, { location: 'https://evil.example/' }).end(), ['unavailable', /302/]],
    [(_, response) => sendJson(response, 200, {}), ['corrupt', /without a token/]],
    [(_, response) => sendJson(response, 200, { token: 'a\r\nx: y' }), ['corrupt', /without a token/]],
    [(_, response) => response.end('nothing'), ['corrupt', /without a token/]],
  ];
  for (const [answer, [code, says]] of strange) {
    await using tokens = await serve(answer);
    await using registry = await serve(guarded(() => `Bearer realm="http://${tokens.host}/"`, 'Bearer x'));
    await assert.rejects(get(testRepository(registry.host)), failsWith(code, says));
  }
});

for (const realm of ['http://auth.example/token', 'ftp://127.0.0.1/', 'not an address', 'http://u:p@127.0.0.1/']) {
  test(`no credentials go to the realm ${realm}`, async () => {
    await using server = await serve(guarded(() => `Bearer realm="${realm}"`, 'x'));
    const repository = testRepository(server.host, { credentials: user });
    await assert.rejects(get(repository), failsWith('denied', /not https/));
  });
}

test('a redirect to another host goes without credentials, to the same one with them', async () => {
  await using store = await serve((_, response) => response.end('from the store'), '127.0.0.2');
  await using server = await serve((request, response) => {
    if (request.headers.authorization !== basic) guarded(() => 'Basic', basic)(request, response);
    else if (request.path === '/v2/app/tags/list') response.writeHead(307, { location: '/moved' }).end();
    else response.writeHead(302, { location: `http://${store.host}/blob?signature=canary` }).end();
  });
  assert.equal(await get(testRepository(server.host, { credentials: user })), 'from the store');
  assert.deepEqual(
    store.requests.map(({ path, headers }) => [path, headers.authorization]),
    [['/blob?signature=canary', undefined]],
  );
});

test('who we are redirected to can ask for credentials but gets none', async () => {
  await using store = await serve(
    guarded(() => 'Basic realm="phish"', basic),
    '127.0.0.2',
  );
  await using server = await serve((_, response) =>
    response.writeHead(302, { location: `http://${store.host}/blob?signature=canary` }).end(),
  );
  await assert.rejects(get(testRepository(server.host, { credentials: user })), (error) => {
    assert.doesNotMatch(inspect(error, { depth: 10 }), /canary/);
    return failsWith('unauthorized', /"127\.0\.0\.2:/)(error);
  });
  assert.deepEqual(
    store.requests.map(({ headers }) => headers.authorization),
    [undefined],
  );
});

test('redirects that lower the guard or never end are refused', async () => {
  const locations = ['http://other.example/', 'file:///etc/passwd', 'http://u:canary@127.0.0.1/', 'http://['];
  for (const location of locations) {
    await using server = await serve((_, response) => response.writeHead(302, { location }).end());
    await assert.rejects(get(testRepository(server.host)), failsWith('denied', /not https/));
  }
  await using server = await serve((_, response) => response.writeHead(302, { location: '/again' }).end());
  await assert.rejects(get(testRepository(server.host)), failsWith('unsupported', /over 5 redirects/));
  assert.equal(server.requests.length, 6);
});

test('waits as long as the registry asks, then goes on', async () => {
  let count = 0;
  await using server = await serve((_, response) => {
    count += 1;
    if (count === 1) response.writeHead(429, { 'retry-after': '1' }).end();
    else if (count === 2) response.writeHead(503).end();
    else response.end('at last');
  });
  const started = performance.now();
  assert.equal(await get(testRepository(server.host)), 'at last');
  assert.ok(performance.now() - started >= 990);
});

test('gives up when it asks for too long, or never recovers', async () => {
  await using limited = await serve((_, response) => response.writeHead(429, { 'retry-after': '86400' }).end());
  await assert.rejects(get(testRepository(limited.host)), failsWith('unavailable', /429, asks to wait 86400 s/));
  assert.equal(limited.requests.length, 1);
  await using broken = await serve((_, response) => response.writeHead(500).end());
  await assert.rejects(get(testRepository(broken.host)), failsWith('unavailable', /500/));
  assert.equal(broken.requests.length, impatient.retry.attempts);
});

test('a refusal is final, and its body is read up to a limit only', async () => {
  await using server = await serve((_, response) => {
    response.writeHead(404);
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536, 'x')));
    };
    response.on('drain', more);
    more();
  });
  await assert.rejects(get(testRepository(server.host)), failsWith('not-found', /404$/));
  assert.equal(server.requests.length, 1);
});

test('a registry that does not answer is given up', async () => {
  await using server = await serve(() => {});
  await assert.rejects(get(testRepository(server.host)), failsWith('unavailable', /no answer for 0\.3 s/));
  assert.equal(server.requests.length, impatient.retry.attempts);
});

test('nobody there: told at once, without credentials', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  const port = typeof address === 'object' ? address?.port : 0;
  await assert.rejects(get(testRepository(`127.0.0.1:${port}`)), failsWith('unavailable', /connection refused/));
});

test('something that speaks no HTTP', async () => {
  await using stack = new AsyncDisposableStack();
  const server = createServer((socket) => socket.resume().end('SSH-2.0-x\r\n'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stack.defer(() => new Promise((resolve) => server.close(() => resolve())));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  await assert.rejects(get(testRepository(`127.0.0.1:${port}`)), failsWith('unavailable'));
});

test('cancelling ends a request and a wait', async () => {
  await using silent = await serve(() => {});
  const options = { ...impatient, limits: { answer: 60_000, stall: 60_000, commit: 60_000 } };
  await assert.rejects(
    get(testRepository(silent.host, options), AbortSignal.timeout(50)),
    failsWith('cancelled', /^tags/),
  );
  await using busy = await serve((_, response) => response.writeHead(429, { 'retry-after': '1' }).end());
  await assert.rejects(get(testRepository(busy.host), AbortSignal.timeout(50)), failsWith('cancelled'));
  await assert.rejects(get(testRepository(busy.host), AbortSignal.abort()), failsWith('cancelled'));
});

test('a proxy of the environment is not used on this machine', async () => {
  await using proxy = await serve((_, response) => response.end('from the proxy'));
  await using server = await serve((_, response) => response.end('from the registry'));
  const names = ['http_proxy', 'HTTP_PROXY'];
  const before = names.map((name) => process.env[name]);
  for (const name of names) process.env[name] = `http://${proxy.host}`;
  try {
    assert.equal(await get(testRepository(server.host)), 'from the registry');
  } finally {
    for (const [index, name] of names.entries()) {
      const value = before[index];
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
});

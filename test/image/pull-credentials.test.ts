/** Pulling with the library: who gets to see credentials. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { Digest } from '../../src/oci/digest.ts';
import { basicAuthorization } from '../../src/registry/credentials.ts';
import { failsWith, sendJson, serve } from '../../src/registry/testing.ts';
import { startRegistry } from '../harness/registry.ts';
import { pushImage, servesImages, smallImage } from '../harness/test-image.ts';
import { assertEmpty, pullTest, unpackedFiles } from './pull-world.ts';

const user = { username: 'user', password: 'canary-password' };
const basic = basicAuthorization(user.username, user.password);

pullTest(
  'credentials reach the registry alone, and nothing that is kept',
  ['htpasswd', 'docker-registry'],
  async (world) => {
    await using registry = await startRegistry({ user: user.username, password: user.password });
    await pushImage(registry, 'app', smallImage(2), 'v1');
    const name = `${registry.host}/app:v1`;
    await assert.rejects(world.pull(name), failsWith('unauthorized'));
    await assert.rejects(world.pull(name, { credentials: { ...user, password: 'canary-wrong' } }), (error) => {
      assert.doesNotMatch(inspect(error, { depth: 10 }), /canary/);
      return failsWith('unauthorized')(error);
    });
    assertEmpty(world);
    const credentialsFile = join(world.scratch, 'config.json');
    const auth = Buffer.from(`${user.username}:${user.password}`).toString('base64');
    writeFileSync(credentialsFile, JSON.stringify({ auths: { [registry.host]: { auth } } }));
    const events = await world.pull(name, { credentialsFile });
    assert.doesNotMatch(JSON.stringify(events), /canary/);
    const found = spawnSync('grep', ['-r', '-l', '-a', '-e', 'canary', '-e', auth, world.root]);
    assert.equal(found.status, 1, `credentials in ${found.stdout}`);
  },
);

pullTest('blobs on another host, tokens from a third, and a registry that is busy', [], async (world) => {
  const image = smallImage(3);
  const busy = new Set<string>();
  await using blobs = await serve(({ path }, response) => {
    response.end(image.blobs.get(path.slice(1).replace(/\?.*/, '') as Digest));
  }, '127.0.0.2');
  await using tokens = await serve(({ headers }, response) => {
    if (headers.authorization === basic) sendJson(response, 200, { token: 'canary-token' });
    else sendJson(response, 401, {});
  }, '127.0.0.3');
  await using registry = await serve(
    servesImages([image], undefined, ({ path, headers }, response) => {
      const digest = path.replace('/v2/app/blobs/', '');
      if (headers.authorization !== 'Bearer canary-token') {
        const challenge = `Bearer realm="http://${tokens.host}/token",service="test"`;
        sendJson(response, 401, {}, { 'www-authenticate': challenge });
      } else if (!busy.has(path)) {
        busy.add(path);
        response.writeHead(429, { 'retry-after': '0' }).end();
      } else if (digest !== path) {
        response.writeHead(307, { location: `http://${blobs.host}/${digest}?signature=x` }).end();
      } else return false;
      return true;
    }),
  );
  await world.pull(`${registry.host}/app`, { credentials: user });
  assert.equal(unpackedFiles(world, `${registry.host}/app`).length, 3);
  assert.equal(blobs.requests.length, 4);
  assert.ok(blobs.requests.every(({ headers }) => headers.authorization === undefined));
  assert.ok(registry.requests.every(({ headers }) => headers.authorization !== basic));
  assert.equal(tokens.requests.length, 1);
});

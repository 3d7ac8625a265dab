/** `onggi push` as users see it, to Debian's registry: what comes back has the same digests. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findImage } from '../../src/image/find.ts';
import { tarOf } from '../../src/image/testing.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { sendJson, serve } from '../../src/registry/testing.ts';
import { transaction } from '../../src/store/database.ts';
import { putImageName } from '../../src/store/image-row.ts';
import { blobPath } from '../../src/store/layout.ts';
import { openStore } from '../../src/store/store.ts';
import { run } from '../harness/program.ts';
import { startRegistry } from '../harness/registry.ts';
import { imageTest, type World } from '../harness/system-test.ts';
import { imageOf, pushImage, smallImage } from '../harness/test-image.ts';

const env = { DOCKER_CONFIG: '/nonexistent', ONGGI_REGISTRIES_CONF: '/dev/null', HTTP_PROXY: 'http://127.0.0.1:9' };

/** Another name for an image. */
function name(world: World, image: string, reference: string): void {
  using store = openStore(world.root);
  const imageId = findImage(store, image).id;
  transaction(store.database, () => putImageName(store.database, { reference, imageId, digest: null }));
}

imageTest(
  'what was pulled is pushed as it was, and mounted where the registry has it',
  ['docker-registry'],
  async (world) => {
    await using from = await startRegistry();
    await using to = await startRegistry();
    const image = imageOf([
      tarOf({ name: 'large', content: randomBytes(5_000_000) }),
      tarOf({ name: 'b', content: 'x' }),
    ]);
    await pushImage(from, 'app', image, 'v1');
    await world.ok(['pull', '-q', `${from.host}/app:v1`], { env });
    const target = `${to.host}/team/app:v2`;
    name(world, `${from.host}/app:v1`, target);
    const printed = await world.ok(['push', target], { env });
    const [first, second, config] = [...image.layers, image.config].map(({ digest }) => digest.slice(7, 19));
    assert.match(
      printed,
      new RegExp(`^The push refers to repository \\[${to.host}/team/app\\]\n${first}: Preparing\n`),
    );
    for (const id of [first, second]) assert.match(printed, new RegExp(`^${id}: Pushed$`, 'm'));
    assert.ok(config !== undefined && !printed.includes(config), 'a configuration is no layer');
    assert.match(printed, new RegExp(`\nv2: digest: ${image.manifest.digest} size: ${image.manifest.bytes.length}$`));
    const again = await world.ok(['push', target], { env });
    assert.match(again, new RegExp(`${first}: Layer already exists`));
    assert.equal(await world.ok(['push', '-q', target], { env }), target);
    const other = `${to.host}/other:v1`;
    name(world, target, other);
    assert.match(await world.ok(['push', other], { env }), new RegExp(`${first}: Mounted from team/app`));
    await world.ok(['rmi', '-f', findId(world, target)], { env });
    await world.ok(['pull', target], { env });
    assert.equal(findId(world, target), image.config.digest);
  },
);

function findId(world: World, reference: string): Digest {
  using store = openStore(world.root);
  return findImage(store, reference).id;
}

imageTest('what was imported here is what others pull', ['docker-registry', 'htpasswd', 'skopeo'], async (world) => {
  const user = { user: 'user', password: 'canary-password' };
  await using registry = await startRegistry(user);
  const tar = join(world.scratch, 'rootfs.tar');
  writeFileSync(tar, tarOf({ name: 'hello', content: 'x'.repeat(2_000_000) }));
  const target = `${registry.host}/made/here:1`;
  await world.ok(['import', tar, target]);
  const denied = await world.onggi(['push', target], { env });
  assert.equal(denied.status, 1);
  assert.match(denied.stderr, /asks for a user name and password\n.*onggi login/s);
  const own = { ...env, DOCKER_CONFIG: join(world.scratch, 'docker') };
  await world.onggi(['login', '-u', user.user, '--password-stdin', registry.host], { env: own, input: user.password });
  await world.ok(['push', target], { env: own });
  const creds = ['--creds', `${user.user}:${user.password}`, '--tls-verify=false'];
  const seen = await run('skopeo', ['inspect', '--raw', ...creds, `docker://${target}`]);
  assert.equal(seen.status, 0, seen.stderr);
  const [layer] = JSON.parse(seen.stdout).layers;
  assert.match(layer.mediaType, /\.tar\+gzip$/);
  assert.ok(layer.size < 100_000, `${layer.size} bytes`);
  const copied = await run('skopeo', [
    '--insecure-policy',
    'copy',
    '-q',
    '--src-tls-verify=false',
    '--src-creds',
    `${user.user}:${user.password}`,
    `docker://${target}`,
    `dir:${world.scratch}/copy`,
  ]);
  assert.equal(copied.status, 0, copied.stderr);
});

imageTest('all tags of a repository; what can not be pushed', ['docker-registry'], async (world) => {
  await using registry = await startRegistry();
  await pushImage(registry, 'base', smallImage(1), 'v1');
  await world.ok(['pull', '-q', `${registry.host}/base:v1`], { env });
  for (const tag of ['a', 'b']) name(world, `${registry.host}/base:v1`, `${registry.host}/app:${tag}`);
  const printed = await world.ok(['push', '--all-tags', `${registry.host}/app`], { env });
  assert.match(printed, /\na: digest: \S+ size: \d+\nb: digest: \S+ size: \d+$/);
  const wrong: readonly (readonly [string[], RegExp])[] = [
    [['push', '-a', `${registry.host}/app:a`], /tag can't be used with --all-tags\/-a/],
    [['push', `${registry.host}/nothing`], /does not exist locally with the tag: .*\/nothing$/m],
    [['push', '-a', `${registry.host}/nothing`], /no image has a name there/],
    [['push', `${registry.host}/base@sha256:${'0'.repeat(64)}`], /a name with a digest can't be pushed to/],
    [['push', '--platform', 'linux/s390x', `${registry.host}/app:a`], /is for platform "linux\/amd64", not for/],
  ];
  for (const [args, says] of wrong) {
    const outcome = await world.onggi(args, { env });
    assert.equal(outcome.status, 1, args.join(' '));
    assert.match(outcome.stderr, says);
  }
});

imageTest('a registry that refuses, and a store whose blob was changed', ['docker-registry'], async (world) => {
  await using from = await startRegistry();
  const image = smallImage(2);
  await pushImage(from, 'app', image, 'v1');
  await world.ok(['pull', '-q', `${from.host}/app:v1`], { env });
  await using refusing = await serve((_, response) =>
    sendJson(response, 403, { errors: [{ code: 'DENIED', message: 'no' }] }),
  );
  name(world, `${from.host}/app:v1`, `${refusing.host}/app:v1`);
  const denied = await world.onggi(['push', `${refusing.host}/app:v1`], { env });
  assert.equal(denied.status, 1);
  assert.match(
    denied.stderr,
    /blob "sha256:\w+" of "127\.0\.0\.1:\d+\/app": "127\.0\.0\.1:\d+" answered 403 \(DENIED: no\)/,
  );
  name(world, `${from.host}/app:v1`, `${from.host}/changed:v1`);
  {
    using store = openStore(world.root);
    const digest = image.layers[0]?.digest as Digest;
    writeFileSync(blobPath(store.layout, digest), Buffer.alloc(image.layers[0]?.size ?? 0));
  }
  const log = from.log();
  assert.ok(log);
  await using empty = await startRegistry();
  name(world, `${from.host}/app:v1`, `${empty.host}/app:v1`);
  const changed = await world.onggi(['push', `${empty.host}/app:v1`], { env });
  assert.equal(changed.status, 1);
  assert.match(changed.stderr, /DIGEST_INVALID/);
});

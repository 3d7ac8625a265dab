/** `manifest create`, `annotate`, `inspect`, `push` and `rm`, with Debian's registry. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../harness/program.ts';
import { startRegistry } from '../harness/registry.ts';
import { imageTest } from '../harness/system-test.ts';
import { pushImage, smallImage } from '../harness/test-image.ts';

const env = { DOCKER_CONFIG: '/nonexistent' };

imageTest('a list of two images, one of them of another repository', ['docker-registry'], async (world) => {
  await using registry = await startRegistry();
  const [amd, arm] = [smallImage(1), smallImage(2, { architecture: 'arm64' }, 'arm')];
  await pushImage(registry, 'team/app', amd, 'amd');
  await pushImage(registry, 'other/app', arm, 'arm');
  const at = (name: string) => `${registry.host}/${name}`;
  const ok = async (...args: string[]) => await world.ok(['manifest', ...args], { env });
  const list = at('team/app:all');
  assert.equal(await ok('create', list, at('team/app:amd')), `Created manifest list ${list}`);
  const again = await world.onggi(['manifest', 'create', list, at('other/app:arm')], { env });
  assert.match(again.stderr, /there is one already/);
  await ok('create', '--amend', list, at('other/app:arm'));
  await ok('annotate', '--variant', 'v8', '--os-version', '12', list, at('other/app:arm'));
  // What is listed already keeps what was said of it.
  await ok('create', '--amend', list, at('other/app:arm'));
  const shown = JSON.parse(await ok('inspect', list));
  assert.deepEqual(
    shown.manifests.map(({ digest, platform }: { digest: string; platform: object }) => [digest, platform]),
    [
      [amd.manifest.digest, { architecture: 'amd64', os: 'linux' }],
      [arm.manifest.digest, { architecture: 'arm64', os: 'linux', variant: 'v8', 'os.version': '12' }],
    ],
  );
  const elsewhere = await ok('push', '--all', list, `docker://${at('copy/app:all')}`);
  const into = await world.onggi(['manifest', 'push', list, 'oci:/x'], { env });
  assert.match(into.stderr, /manifest push into "oci:" is not supported/);
  assert.match((await world.onggi(['manifest', 'push', '--all=false', list], { env })).stderr, /all/);
  const digest = await ok('push', '--purge', list);
  assert.equal(digest, elsewhere);
  assert.deepEqual(JSON.parse(await ok('inspect', at('copy/app:all'))), shown);
  assert.match(digest, /^sha256:[0-9a-f]{64}$/);
  assert.deepEqual(JSON.parse(await ok('inspect', list)), shown, 'now it comes from the registry');
  await world.ok(['pull', '-q', '--platform', 'linux/arm64', list], { env });
  assert.equal(await world.ok(['images', '-q', '--no-trunc'], { env }), arm.config.digest);
  for (const args of [
    ['rm', list],
    ['annotate', list, at('team/app:amd')],
    ['push', list],
  ]) {
    assert.equal((await world.onggi(['manifest', ...args], { env })).status, 1, args.join(' '));
  }
  const nested = await world.onggi(['manifest', 'create', at('team/app:x'), list], { env });
  assert.match(nested.stderr, /a list of images itself/);
});

imageTest("inspect says what Docker's says, plain and verbose", ['docker-registry', 'dockerd'], async (world) => {
  await using registry = await startRegistry();
  await pushImage(registry, 'team/app', smallImage(1), 'amd');
  await pushImage(registry, 'team/app', smallImage(2, { architecture: 'arm64' }, 'arm'), 'arm');
  const at = (name: string) => `${registry.host}/team/app:${name}`;
  const docker = async (...args: string[]) => {
    const { status, stdout, stderr } = await run('docker', ['manifest', ...args], {
      env: { DOCKER_CONFIG: world.scratch },
    });
    assert.equal(status, 0, stderr);
    return stdout.trimEnd();
  };
  const ours = async (...args: string[]) => await world.ok(['manifest', ...args], { env });
  const same = async (...args: string[]) =>
    assert.equal(await ours('inspect', ...args), await docker('inspect', '--insecure', ...args), args.join(' '));
  for (const manifest of [docker, ours]) {
    await manifest('create', '--insecure', at('all'), at('amd'), at('arm'));
    await manifest('annotate', '--variant', 'v8', at('all'), at('arm'));
  }
  await same(at('amd'));
  await same('-v', at('amd'));
  await same(at('all'));
  await same('-v', at('all'));
  await same(at('all'), at('arm'));
  await same('--verbose', at('all'), at('arm'));
  await docker('push', '--insecure', '--purge', at('all'));
  await ours('rm', at('all'));
  await same(at('all'));
  await same('-v', at('all'));
});

imageTest('of an image elsewhere: inspect, list-tags, layers, sync, delete', ['docker-registry'], async (world) => {
  await using registry = await startRegistry();
  const image = smallImage(2);
  for (const tag of ['v1', 'v2']) await pushImage(registry, 'app', image, tag);
  const ok = async (...args: string[]) => await world.ok(['image', ...args], { env });
  const place = `docker://${registry.host}/app`;
  assert.equal(await ok('inspect', '--raw', `${place}:v1`), image.manifest.bytes.toString());
  assert.equal(JSON.parse(await ok('inspect', '--config', `${place}:v1`)).architecture, 'amd64');
  assert.equal(await ok('inspect', '-f', '{{.Digest}}', `${place}:v1`), image.manifest.digest);
  assert.deepEqual(JSON.parse(await ok('list-tags', place)).Tags.sort(), ['v1', 'v2']);
  const out = join(world.scratch, 'out');
  await ok('sync', '--src', 'docker', '--dest', 'dir', `${registry.host}/app`, out);
  assert.deepEqual(readdirSync(out).sort(), ['app:v1', 'app:v2']);
  assert.equal(await ok('inspect', '--raw', `dir:${out}/app:v1`), image.manifest.bytes.toString());
  await world.ok(['pull', '-q', `${registry.host}/app:v1`], { env });
  assert.equal(await ok('inspect', '--raw', `${registry.host}/app:v1`), image.manifest.bytes.toString());
  const other = await world.onggi(['image', 'inspect', '--platform', 'linux/s390x', `${registry.host}/app:v1`]);
  assert.match(other.stderr, /is for platform "linux\/amd64", not "linux\/s390x"/);
  await ok('delete', `${place}:v1`);
  const gone = await world.onggi(['image', 'inspect', '--raw', `${place}:v1`], { env });
  assert.match(gone.stderr, /answered 404 \(MANIFEST_UNKNOWN/);
});

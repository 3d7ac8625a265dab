/** `manifest create`, `annotate`, `inspect`, `push` and `rm`, with Debian's registry. */
import assert from 'node:assert/strict';
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
  const shown = JSON.parse(await ok('inspect', list));
  assert.deepEqual(
    shown.manifests.map(({ digest, platform }: { digest: string; platform: object }) => [digest, platform]),
    [
      [amd.manifest.digest, { architecture: 'amd64', os: 'linux' }],
      [arm.manifest.digest, { architecture: 'arm64', os: 'linux', variant: 'v8', 'os.version': '12' }],
    ],
  );
  const digest = await ok('push', '--purge', list);
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

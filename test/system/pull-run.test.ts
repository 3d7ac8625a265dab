/** `onggi pull` and the pull that `run` does, with a registry beside. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { busyboxTar } from '../harness/busybox-image.ts';
import { startRegistry } from '../harness/registry.ts';
import { systemTest } from '../harness/system-test.ts';
import { imageOf, indexOf, pushImage } from '../harness/test-image.ts';

/** Nobody's credentials. */
const env = { DOCKER_CONFIG: '/nonexistent', HTTP_PROXY: 'http://127.0.0.1:9', http_proxy: 'http://127.0.0.1:9' };
const empty = { image: false };

systemTest(
  'pulls an image that then runs',
  ['docker-registry', 'busybox'],
  async (world) => {
    await using registry = await startRegistry();
    const image = imageOf([readFileSync(await busyboxTar())], { config: { Cmd: ['echo', 'from the image'] } });
    await pushImage(registry, 'team/box', image);
    const index = indexOf({ amd64: image, arm64: image });
    await registry.putManifest('team/box', 'v1', index.mediaType, index.document);
    const name = `${registry.host}/team/box:v1`;
    const printed = await world.ok(['pull', name], { env });
    assert.match(printed, /^v1: Pulling from team\/box\n/);
    assert.match(printed, new RegExp(`Status: Downloaded newer image for ${name}\n${name}$`));
    assert.equal(await world.ok(['run', '--rm', '--network', 'none', name], { env }), 'from the image');
    assert.match(await world.ok(['pull', name], { env }), /Status: Image is up to date for /);
    assert.equal(await world.ok(['pull', '-q', name], { env }), name);
    assert.equal(await world.ok(['images', '-q', '--no-trunc'], { env }), image.config.digest);
    await world.ok(['rmi', name]);
    // `run` pulls what is missing, and says so on stderr only.
    const ran = await world.onggi(['run', '--rm', '--network', 'none', name, 'echo', 'again'], { env });
    assert.equal(ran.stdout, 'again\n', ran.stderr);
  },
  empty,
);

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
    const said = ran.stderr.split('\n');
    assert.equal(said[0], `Unable to find image '${name}' locally`);
    assert.deepEqual(said.slice(-2), [`Status: Downloaded newer image for ${name}`, '']);
    // By a process of its own, whose failure is told once, with the status of `run`.
    const gone = `${registry.host}/team/none:v1`;
    const failed = await world.onggi(['run', '--rm', gone, 'true'], { env });
    assert.equal(failed.status, 125);
    assert.equal(failed.stderr.match(/^onggi: /gm)?.length, 1, failed.stderr);
    assert.match(failed.stderr, /^onggi: image ".*none:v1": .* answered 404/m);
    const unreachable = 'localhost:1/team/box:v1';
    await world.ok(['tag', name, unreachable]);
    const newer = await world.onggi(['run', '--rm', '--pull', 'newer', '--network', 'none', unreachable], { env });
    assert.deepEqual([newer.status, newer.stdout, newer.stderr], [0, 'from the image\n', '']);
  },
  empty,
);

/** The executable by the name `skopeo`, beside the real one: the same command lines, the same answers. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tarOf } from '../../src/image/testing.ts';
import { startRegistry } from '../harness/registry.ts';
import { imageTest } from '../harness/system-test.ts';
import { imageOf, indexOf, pushImage, smallImage } from '../harness/test-image.ts';
import { bothPrograms, names } from './skopeo-pair.ts';

const image = imageOf([tarOf({ name: 'a', content: 'a' }), tarOf({ name: 'b', content: 'b'.repeat(5000) })], {
  config: { Env: ['A=b'], Labels: { one: '1' }, Cmd: ['sh'] },
});

imageTest(
  'inspect, list-tags and manifest-digest say what Skopeo says',
  ['skopeo', 'docker-registry'],
  async (world) => {
    await using registry = await startRegistry();
    for (const tag of ['v1', 'v2']) await pushImage(registry, 'team/app', image, tag);
    const both = bothPrograms(world);
    const address = `docker://${registry.host}/team/app:v1`;
    const insecure = '--tls-verify=false';
    for (const args of [
      ['inspect', insecure, '--raw', address],
      ['inspect', insecure, '--config', '--raw', address],
      ['inspect', insecure, '--format', '{{.Name}} {{.Digest}} {{.Layers}} {{.Env}}', address],
      ['list-tags', insecure, `docker://${registry.host}/team/app`],
    ]) {
      const { skopeo, ours } = await both(...args);
      assert.equal(ours.stdout, skopeo.stdout, `${args.join(' ')}: ${ours.stderr}${skopeo.stderr}`);
      assert.equal(skopeo.status, 0, skopeo.stderr);
    }
    const { skopeo, ours } = await both('inspect', insecure, address);
    // Newer versions than Debian's have this field too.
    const { LayersData, ...rest } = JSON.parse(ours.stdout);
    assert.equal(LayersData.length, 2);
    const expected = JSON.parse(skopeo.stdout);
    assert.deepEqual({ ...rest, Created: null }, { ...expected, Created: null });
    const missing = await both('inspect', insecure, `docker://${registry.host}/team/app:none`);
    assert.deepEqual([missing.ours.status, missing.skopeo.status], [1, 1]);
    assert.match(missing.ours.stderr, /^FATA\[0000\] .*MANIFEST_UNKNOWN/);
    const tagged = await both('list-tags', insecure, address);
    assert.deepEqual([tagged.ours.status, tagged.skopeo.status], [1, 1]);
    assert.match(tagged.ours.stderr, /a tag or digest is too many/);
    const copied = await both('--insecure-policy', 'copy', '--src-tls-verify=false', address, 'dir:@@-copied');
    // Older versions end with this line.
    const lines = copied.skopeo.stdout.replace('Storing signatures\n', '').split('\n');
    assert.deepEqual(copied.ours.stdout.split('\n').toSorted(), lines.toSorted(), copied.ours.stderr);
    assert.match(copied.ours.stdout, /\nCopying config sha256:[0-9a-f]{64}\nWriting manifest to image destination\n$/);
  },
);

imageTest('copy, sync and delete do what Skopeo does', ['skopeo', 'docker-registry'], async (world) => {
  await using registry = await startRegistry();
  const images = { arm64: smallImage(1, { architecture: 'arm64' }, 'arm'), amd64: image };
  for (const each of Object.values(images)) await pushImage(registry, 'team/app', each);
  const index = indexOf(images);
  await registry.putManifest('team/app', 'v1', index.mediaType, index.document);
  const both = bothPrograms(world);
  const from = `docker://${registry.host}/team/app:v1`;
  const quiet = ['--insecure-policy', 'copy', '-q', '--src-tls-verify=false'];
  const ok = async (...args: string[]) => {
    const { skopeo, ours } = await both(...args);
    assert.equal(skopeo.status, 0, skopeo.stderr);
    assert.equal(ours.status, 0, ours.stderr);
  };
  const same = (path: string) => {
    const [theirs, own] = names.map((name) => listed(join(world.scratch, name + path)));
    assert.deepEqual(own, theirs);
  };
  await ok(...quiet, '--all', from, 'dir:@@-all');
  same('-all');
  await ok(...quiet, from, 'dir:@@-one');
  same('-one');
  // What a former image has left goes, its signatures too; what is no image stays, and nothing is put beside it.
  for (const name of names) {
    for (const stale of ['signature-1', 'ab'.repeat(32)]) writeFileSync(join(world.scratch, `${name}-all`, stale), '');
    mkdirSync(join(world.scratch, `${name}-foreign`));
    writeFileSync(join(world.scratch, `${name}-foreign`, 'letter'), 'dear');
  }
  await ok(...quiet, from, 'dir:@@-all');
  same('-all');
  assert.deepEqual(readdirSync(join(world.scratch, 'ours-all')), readdirSync(join(world.scratch, 'ours-one')));
  const foreign = await both(...quiet, from, 'dir:@@-foreign');
  assert.deepEqual([foreign.skopeo.status, foreign.ours.status], [1, 1]);
  assert.match(foreign.ours.stderr, /"letter" is in it, so it is no directory of an image/);
  same('-foreign');
  await ok('--override-arch', 'arm64', ...quiet, from, 'oci:@@-layout:x');
  same('-layout/blobs/sha256');
  // The program's own flags may stand behind the command.
  const behind = ['copy', '-q', '--src-tls-verify=false', '--insecure-policy', '--override-arch', 'arm64'];
  await ok(...behind, from, 'oci:@@-behind:x');
  same('-behind/blobs/sha256');
  // What is not compressed is, on its way into a layout; gzip of different programs differs, what is in it does not.
  await ok(...quiet, '--dest-decompress', from, 'dir:@@-plain');
  same('-plain');
  const synced = await both(
    'sync',
    '--src-tls-verify=false',
    '-s',
    'docker',
    '-d',
    'dir',
    '--scoped',
    `${registry.host}/team/app`,
    '@@-sync',
  );
  assert.deepEqual([synced.skopeo.status, synced.ours.status], [0, 0], synced.ours.stderr);
  const lines = (text: string) => text.replace('Storing signatures\n', '').split('\n').toSorted();
  assert.deepEqual(lines(synced.ours.stdout), lines(synced.skopeo.stdout));
  same(`-sync/${registry.host}/team/app:v1`);
});

/** Names of files with their content, but for what names a path or a time. */
function listed(directory: string): [string, string][] {
  return readdirSync(directory)
    .sort()
    .map((name) => [name, readFileSync(join(directory, name), 'latin1')]);
}

imageTest('what is not kept is refused by name', ['skopeo'], async (world) => {
  const both = bothPrograms(world);
  for (const args of [
    ['copy', '--sign-by', 'someone', 'dir:a', 'dir:b'],
    ['copy', 'containers-storage:a', 'dir:b'],
    ['experimental-image-proxy'],
    ['copy', '--src-daemon-host', 'x', 'dir:a', 'dir:b'],
    ['copy', '--encrypt-layer', '0', 'dir:a', 'dir:b'],
    ['copy', 'dir:a'],
    ['copy', 'a', 'b'],
    ['nothing'],
  ]) {
    const { ours } = await both(...args);
    assert.equal(ours.status, 1, args.join(' '));
    assert.match(ours.stderr, /^FATA\[0000\] /);
  }
});

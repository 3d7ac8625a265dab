/**
 * Ten layers of 60,000 small files through pull, push, pull, save and load: the same rootfs, compared file by file with all
 * metadata, and the same digests. Half a minute.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestEntry } from '../../src/image/testing.ts';
import { tarOf } from '../../src/image/testing.ts';
import { startRegistry } from '../harness/registry.ts';
import { imageTest } from '../harness/system-test.ts';
import { imageOf, pushImage } from '../harness/test-image.ts';
import { describeStored } from './stored-image.ts';

const layers = 10;
const files = 60_000;

/** Directories of a hundred files, each with another owner, mode and time; links, and what upper layers take away. */
function layerOf(number: number): Buffer {
  // Of a root that the archive does not name, each unpacking makes up the time.
  const entries: TestEntry[] = [
    { name: './', type: '5', mtime: 1 },
    { name: `layer${number}`, type: '5', mode: 0o755, mtime: number },
  ];
  for (let file = 0; file < files / layers; file += 1) {
    const directory = `layer${number}/d${Math.floor(file / 100)}`;
    const owner = { uid: file % 70_000, gid: (file * 7) % 3_000_000, mtime: 1_600_000_000 + file };
    if (file % 100 === 0) entries.push({ name: directory, type: '5', mode: 0o700 + (file % 64), ...owner });
    entries.push({
      name: `${directory}/f${file}`,
      content: `${number} ${file}\n`,
      mode: 0o400 + (file % 256),
      ...owner,
    });
    if (file % 100 === 50) entries.push({ name: `${directory}/link`, type: '2', link: `f${file}`, ...owner });
    if (file % 100 === 60)
      entries.push({ name: `${directory}/hard`, type: '1', link: `${directory}/f${file}`, ...owner });
  }
  const below = `layer${number - 1}/d0`;
  const taken: TestEntry[] = [
    { name: `layer${number - 1}`, type: '5', mtime: 1 },
    { name: below, type: '5', mtime: 2 },
  ];
  if (number > 0)
    entries.push(...taken, { name: `${below}/.wh.f1` }, { name: `${below}/f2`, content: 'again', mtime: 3 });
  return tarOf(...entries);
}

imageTest(
  `${files} files in ${layers} layers, there and back`,
  ['docker-registry'],
  async (world) => {
    const env = { DOCKER_CONFIG: '/nonexistent', ONGGI_REGISTRIES_CONF: '/dev/null' };
    const image = imageOf(Array.from({ length: layers }, (_, number) => layerOf(number)));
    await using from = await startRegistry();
    await using to = await startRegistry();
    await pushImage(from, 'app', image, 'v1');
    const [source, target] = [`${from.host}/app:v1`, `${to.host}/app:v1`];
    const at = (name: string) => join(world.scratch, name);
    const digest = async (root: string, name: string) =>
      await world.ok(['--root', root, 'image', 'inspect', '-f', '{{index .RepoDigests 0}}', name]);
    await world.ok(['pull', '-q', source], { env });
    const first = describeStored(world.root, source);
    assert.equal(first.layers.length, layers);
    await world.ok(['tag', source, target]);
    assert.match(await world.ok(['push', target], { env }), new RegExp(`digest: ${image.manifest.digest} `));
    await world.ok(['--root', at('pulled'), 'pull', '-q', target], { env });
    assert.equal(await digest(at('pulled'), target), `${to.host}/app@${image.manifest.digest}`);
    assert.deepEqual(describeStored(at('pulled'), target), first);
    await world.ok(['--root', at('pulled'), 'save', '-o', at('a.tar'), target]);
    await world.ok(['--root', at('loaded'), 'load', '-q', '-i', at('a.tar')]);
    assert.equal(await digest(at('loaded'), target), `${to.host}/app@${image.manifest.digest}`);
    assert.deepEqual(describeStored(at('loaded'), target), first);
  },
  { timeout: 300_000 },
);

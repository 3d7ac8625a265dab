/** `skopeo sync` from a file, and its flags, beside the real one where that has them. */
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serve } from '../../src/registry/testing.ts';
import { startRegistry } from '../harness/registry.ts';
import { imageTest } from '../harness/system-test.ts';
import { pushImage, servesImages, smallImage } from '../harness/test-image.ts';
import { bothPrograms, names, ours } from './skopeo-pair.ts';

/** Directories with an image, below. */
function imagesIn(directory: string): string[] {
  const found = readdirSync(directory, { recursive: true, withFileTypes: true });
  return found
    .filter(({ name }) => name === 'manifest.json')
    .map(({ parentPath }) => parentPath.slice(directory.length))
    .sort();
}

imageTest('sync from a file of registries, and back into one', ['skopeo', 'docker-registry'], async (world) => {
  await using registry = await startRegistry();
  for (const tag of ['1.0.0', '1.2.0', '2.0.0', 'old']) await pushImage(registry, 'team/app', smallImage(1), tag);
  const other = smallImage(1, {}, 'other');
  await pushImage(registry, 'other', other, 'latest');
  const both = bothPrograms(world);
  const file = join(world.scratch, 'sync.yml');
  writeFileSync(
    file,
    `# what is wanted
${registry.host}:
    tls-verify: false
    images:
        other: []
        team/app:
            - 1.0.0
            - "${smallImage(1).manifest.digest}"
    images-by-tag-regex:
        team/app: ^o
`,
  );
  const synced = await both('--insecure-policy', 'sync', '--src', 'yaml', '--dest', 'dir', file, '@@-out');
  assert.deepEqual([synced.skopeo.status, synced.ours.status], [0, 0], synced.skopeo.stderr + synced.ours.stderr);
  const [theirs, own] = names.map((name) => imagesIn(join(world.scratch, `${name}-out`)));
  assert.deepEqual(own, theirs);
  assert.equal(own?.length, 4);

  // By version, which Debian's does not know yet; and what both are asked only to tell.
  writeFileSync(file, `"${registry.host}": { tls-verify: false, images-by-semver: { team/app: ">= 1.0.0, < 2" } }\n`);
  const place = `${registry.host}/copy`;
  const to = ['--dest-tls-verify=false', '--dest', 'docker'];
  const dry = await both('sync', '--dry-run', '--src', 'dir', ...to, '@@-out', place);
  const told = (text: string) => [...text.matchAll(/docker:\/\/([^\s"]+)/g)].map(([, name]) => name).sort();
  assert.deepEqual(told(dry.ours.stderr), told(dry.skopeo.stderr), dry.ours.stderr);
  assert.match(dry.ours.stderr, /Would have synced 4 images/);
  const run = (...args: string[]) => ours(world, args);
  const again = await run('sync', '--src', 'yaml', ...to, '--append-suffix=-mirror', file, place);
  assert.equal(again.status, 0, again.stderr);
  const listed = await run('list-tags', '--tls-verify=false', `docker://${place}/app`);
  assert.deepEqual(JSON.parse(listed.stdout).Tags.sort(), ['1.0.0-mirror', '1.2.0-mirror']);
});

imageTest('a registry that fails ends a sync, or with --keep-going only its own part', [], async (world) => {
  await using registry = await serve(servesImages([smallImage(1)]));
  const file = join(world.scratch, 'sync.yml');
  const list = (more: string) =>
    writeFileSync(file, `${registry.host}:\n  images:\n    none: [a]\n    app: [latest]\n${more}`);
  const sync = (...more: string[]) =>
    ours(world, ['sync', '--src', 'yaml', '--dest', 'dir', ...more, file, join(world.scratch, 'out')]);
  list('');
  const stopped = await sync();
  assert.deepEqual(
    [stopped.status, /app\/none|none/.test(stopped.stderr), /Synced/.test(stopped.stderr)],
    [1, true, false],
  );
  const went = await sync('--keep-going');
  assert.equal(went.status, 1);
  assert.match(went.stderr, /Synced 1 images/);
  assert.deepEqual(imagesIn(join(world.scratch, 'out')), ['/app:latest']);
  for (const [more, says] of [
    ['  credential: {}\n', /"credential" is not known/],
    ['  tls-verify: maybe\n', /not true or false/],
    ['  images-by-tag-regex: { app: "(" }\n', /not a regular expression/],
    ['  images-by-semver: { app: newest }\n', /range of versions "newest"/],
    ['  cert-dir: /nonexistent\n', /certificates in "\/nonexistent": no such directory/],
  ] as const) {
    list(more);
    const refused = await sync();
    assert.deepEqual([refused.status, refused.stderr.match(says) !== null], [1, true], refused.stderr);
  }
});

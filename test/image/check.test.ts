/** `system check`: what is broken is found, mended out of what is left or from the registry, or dropped. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type CheckSystemOptions, checkSystem, type Finding } from '../../src/engine/system/check.ts';
import { commitImage } from '../../src/image/commit.ts';
import { findImage } from '../../src/image/find.ts';
import { importImage } from '../../src/image/import.ts';
import { layerArchive } from '../../src/image/layer-diff.ts';
import { tarOf } from '../../src/image/testing.ts';
import { openDirectory } from '../../src/kernel/directory.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { all, execute } from '../../src/store/database.ts';
import { layersOfImage } from '../../src/store/layer-row.ts';
import { blobPath, layerPath } from '../../src/store/layout.ts';
import { startRegistry } from '../harness/registry.ts';
import { pushImage, smallImage } from '../harness/test-image.ts';
import { assertEmpty, type PullWorld, pullTest } from './pull-world.ts';
import { once, sh } from './unpack-world.ts';

async function check({ context }: PullWorld, options: CheckSystemOptions = {}): Promise<readonly Finding[]> {
  return (await checkSystem(context, options)).findings;
}

const repair = { repair: true } as const;

function outcomes(findings: readonly Finding[]): string[] {
  return findings.map(({ damage, outcome }) => `${damage.split(/[ :]/)[0]} ${outcome}`);
}

type Parts = { readonly id: Digest; readonly manifest: Digest; readonly blobs: string[]; readonly layers: string[] };

/** Paths of what an image has. */
function partsOf({ context: { store } }: PullWorld, name: string): Parts {
  const { id, manifest } = findImage(store, name);
  const rows = layersOfImage(store.database, id);
  return {
    id,
    manifest,
    blobs: rows.flatMap(({ blob }) => (blob === null ? [] : [blobPath(store.layout, blob)])),
    layers: rows.map(({ directory }) => layerPath(store.layout, directory)),
  };
}

const files = tarOf(
  { name: 'etc/', type: '5' },
  { name: 'etc/passwd', content: 'root' },
  { name: 'dir/implicit/file', content: 'x' },
  { name: 'link', type: '2', link: 'etc' },
);

/** "base", and "top" with a layer of our own making on it. */
async function twoImages({ context: { store }, scratch }: PullWorld): Promise<void> {
  const base = await importImage(store, once(files), 'base');
  sh('mkdir -p upper/etc; mknod upper/etc/passwd c 0 0; echo y > upper/new; ln upper/new upper/etc/new', scratch);
  using upper = openDirectory(join(scratch, 'upper'));
  const archive = layerArchive(upper, 'never', { attributes: 'trusted' });
  await commitImage(store, { base: base.id, archive, config: {}, createdBy: 'test', name: 'top' });
}

const damagesOfLayer: Readonly<Record<string, (layer: string) => void>> = {
  'a file changed': (layer) => appendFileSync(join(layer, 'etc/passwd'), 'more'),
  'a file gone': (layer) => rmSync(join(layer, 'etc/passwd')),
  'a file too many': (layer) => writeFileSync(join(layer, 'more'), ''),
  'another mode': (layer) => chmodSync(join(layer, 'etc/passwd'), 0o4755),
  'another time': (layer) => utimesSync(join(layer, 'etc/passwd'), 1, 1),
  'all of it gone': (layer) => rmSync(layer, { recursive: true }),
};

for (const [what, damage] of Object.entries(damagesOfLayer)) {
  pullTest(`a layer with ${what} is unpacked again`, [], async (world) => {
    await twoImages(world);
    assert.deepEqual(await check(world), []);
    damage(partsOf(world, 'base').layers[0] ?? '');
    const quick = await check(world, { quick: true });
    assert.deepEqual(outcomes(quick), what === 'all of it gone' ? ['layer found'] : []);
    assert.deepEqual(outcomes(await check(world)), ['layer found']);
    assert.deepEqual(outcomes(await check(world, repair)), ['layer repaired']);
    assert.deepEqual(await check(world), []);
  });
}

pullTest('the blob of a layer that was made here is written again', [], async (world) => {
  await twoImages(world);
  const [, path = ''] = partsOf(world, 'top').blobs;
  for (const damage of [() => rmSync(path), () => truncateSync(path, 100), () => writeFileSync(path, 'rubbish')]) {
    damage();
    assert.deepEqual(outcomes(await check(world, repair)), ['blob repaired']);
  }
  assert.deepEqual(await check(world), []);
});

pullTest('the blob of a layer that came from elsewhere is missed, and its image runs on', [], async (world) => {
  await twoImages(world);
  rmSync(partsOf(world, 'base').blobs[0] ?? '');
  const [finding] = await check(world, repair);
  assert.equal(finding?.outcome, 'left');
  assert.match(finding?.says ?? '', /can be run, but not pushed or saved/);
});

pullTest('what came from a registry is fetched again', ['docker-registry'], async (world) => {
  await using registry = await startRegistry();
  await pushImage(registry, 'team/app', smallImage(2), 'v1');
  const name = `${registry.host}/team/app:v1`;
  await world.pull(name);
  assert.deepEqual(await check(world), []);
  const { layout } = world.context.store;
  const { id, manifest, blobs, layers } = partsOf(world, name);
  const everything = [blobPath(layout, manifest), blobPath(layout, id), ...blobs];
  for (const path of everything) {
    writeFileSync(path, 'rubbish');
    assert.deepEqual(outcomes(await check(world, repair)), ['blob repaired'], path);
  }
  for (const path of everything) rmSync(path);
  for (const path of layers) rmSync(path, { recursive: true });
  const both = await check(world, repair);
  assert.deepEqual([...new Set(both.map(({ outcome }) => outcome))], ['repaired'], JSON.stringify(both));
  assert.deepEqual(await check(world), []);
});

pullTest('what nobody has any more is dropped by name', ['docker-registry'], async (world) => {
  let name = '';
  {
    await using registry = await startRegistry();
    await pushImage(registry, 'team/app', smallImage(1), 'v1');
    name = `${registry.host}/team/app:v1`;
    await world.pull(name);
  }
  const { id } = partsOf(world, name);
  writeFileSync(blobPath(world.context.store.layout, id), '{}');
  const [finding] = await check(world, repair);
  assert.equal(finding?.outcome, 'dropped');
  assert.ok(finding?.says.includes(name), finding?.says);
  assertEmpty(world);
});

pullTest('a layer that is lost takes its images along', [], async (world) => {
  await twoImages(world);
  const { blobs, layers } = partsOf(world, 'base');
  rmSync(blobs[0] ?? '');
  rmSync(layers[0] ?? '', { recursive: true });
  const findings = await check(world, repair);
  assert.deepEqual(outcomes(findings), ['blob left', 'layer dropped']);
  assert.match(findings[1]?.says ?? '', /base:latest, top:latest|base:latest|top:latest/);
  assertEmpty(world);
});

pullTest('rows that name nothing are told, garbage is removed', [], async (world) => {
  await twoImages(world);
  const { database, layout } = world.context.store;
  execute(database, 'PRAGMA foreign_keys = OFF');
  execute(
    database,
    `INSERT INTO image_names (reference, image_id, digest) VALUES ('docker.io/library/ghost:latest', 'sha256:${'0'.repeat(64)}', NULL)`,
  );
  execute(database, 'PRAGMA foreign_keys = ON');
  mkdirSync(join(layout.layers, 'garbage'));
  writeFileSync(join(layout.blobs, 'sha256', '0'.repeat(64)), 'garbage');
  const findings = await check(world);
  assert.deepEqual(outcomes(findings), ['database found']);
  assert.match(findings[0]?.damage ?? '', /"image_names" names nothing in "images"/);
  const { garbage } = await checkSystem(world.context, repair);
  assert.equal(garbage.length, 2);
  assert.equal(readdirSync(layout.layers).length, 2);
  all(database, "DELETE FROM image_names WHERE reference LIKE '%ghost%'");
});

/** Archives and layouts of an attacker: refused with a word that says what was found, and nothing comes of them. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { copyBetween } from '../../src/engine/image/copy.ts';
import { loadImages } from '../../src/engine/image/load.ts';
import { saveImages } from '../../src/engine/image/save.ts';
import { type TestEntry, tarOf } from '../../src/image/testing.ts';
import { sha256 } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/image-spec.ts';
import { failsWith } from '../../src/registry/testing.ts';
import { openArchive } from '../../src/transport/archive-open.ts';
import { smallImage, type TestImage } from '../harness/test-image.ts';
import { assertEmpty, type PullWorld, pullTest } from './pull-world.ts';

const layer = tarOf({ name: 'f', content: 'x' });
const config = (diffIds: readonly string[] = [sha256(layer)]) =>
  JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: diffIds } });

function docker(items: unknown, ...entries: TestEntry[]): Buffer {
  return tarOf(...entries, { name: 'manifest.json', content: JSON.stringify(items) });
}

const item = { Config: 'c.json', RepoTags: ['app:1'], Layers: ['l.tar'] };
const good: TestEntry[] = [
  { name: 'c.json', content: config() },
  { name: 'l.tar', content: layer },
];

/** Archives of Docker's shape: the bytes, the code, what the message says. */
const cases: Readonly<Record<string, readonly [Buffer, Parameters<typeof failsWith>[0], RegExp]>> = {
  'a config outside': [docker([{ ...item, Config: '../../../etc/passwd' }], ...good), 'corrupt', /leads out/],
  'a config of the machine': [docker([{ ...item, Config: '/etc/passwd' }], ...good), 'not-found', /no file/],
  'a layer that is a link to the machine': [
    docker([item], { name: 'c.json', content: config() }, { name: 'l.tar', type: '2', link: '/etc/passwd' }),
    'corrupt',
    /not there/,
  ],
  'a layer that is a link out of the archive': [
    docker([item], { name: 'c.json', content: config() }, { name: 'l.tar', type: '2', link: '../../../../etc/passwd' }),
    'corrupt',
    /not there/,
  ],
  'links in a circle': [
    docker([item], { name: 'c.json', type: '2', link: 'd.json' }, { name: 'd.json', type: '2', link: 'c.json' }),
    'corrupt',
    /in circles/,
  ],
  'a name that climbs out': [tarOf({ name: '../x', content: 'x' }), 'corrupt', /climbs out/],
  'a layer with another content': [
    docker([item], { name: 'c.json', content: config() }, { name: 'l.tar', content: tarOf({ name: 'g' }) }),
    'corrupt',
    /digest/,
  ],
  'more layers than the config has': [
    docker([{ ...item, Layers: ['l.tar', 'l.tar'] }], ...good),
    'corrupt',
    /1 diff ids/,
  ],
  'a tag that is none': [docker([{ ...item, RepoTags: ['UPPER:x y'] }], ...good), 'corrupt', /it names an image/],
  'no list': [docker({ Config: 'c.json' }, ...good), 'corrupt', /manifest\.json/],
  'a manifest.json of 5 MiB': [
    tarOf({ name: 'manifest.json', content: Buffer.alloc(5 * 1024 * 1024, ' ') }),
    'corrupt',
    /4194304/,
  ],
  'a config of 5 MiB': [
    docker([item], { name: 'c.json', content: Buffer.alloc(5 * 1024 * 1024, ' ') }, { name: 'l.tar', content: layer }),
    'corrupt',
    /4194304/,
  ],
  'neither kind of archive': [layer, 'not-found', /no archive of images/],
  'no archive': [Buffer.from('hello'), 'corrupt', /./],
  'cut off': [docker([item], ...good).subarray(0, 1200), 'corrupt', /cut off/],
};

async function load(world: PullWorld, bytes: Buffer): Promise<void> {
  const path = join(world.scratch, 'a.tar');
  writeFileSync(path, bytes);
  for await (const _ of loadImages(world.context, path));
}

for (const [what, [bytes, code, message]] of Object.entries(cases)) {
  pullTest(`refused: ${what}`, [], async (world) => {
    await assert.rejects(load(world, bytes), failsWith(code, message));
    assertEmpty(world);
  });
}

type Change = (image: TestImage) => { readonly blobs?: Map<string, Buffer>; readonly index?: unknown };

const descriptor = (mediaType: string, bytes: Buffer) => ({ mediaType, digest: sha256(bytes), size: bytes.length });
const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const indexOf = (...manifests: object[]) => ({ schemaVersion: 2, mediaType: mediaTypes.index, manifests });

/** An index in an index in an index in an index. */
function nested(image: TestImage) {
  const blobs = new Map<string, Buffer>();
  const platform = { os: 'linux', architecture: 'amd64' };
  let inner: object = { ...descriptor(mediaTypes.manifest, image.manifest.bytes), platform };
  for (let depth = 0; depth < 3; depth += 1) {
    const bytes = json(indexOf(inner));
    blobs.set(sha256(bytes), bytes);
    inner = { ...descriptor(mediaTypes.index, bytes), platform };
  }
  return { blobs, index: indexOf(inner) };
}

const layouts: Readonly<Record<string, readonly [Change, Parameters<typeof failsWith>[0], RegExp]>> = {
  'a manifest with another content': [
    ({ manifest }) => ({ blobs: new Map([[manifest.digest, Buffer.from(`${manifest.bytes} `)]]) }),
    'corrupt',
    /announced/,
  ],
  'a layer with another content': [
    ({ layers: [first] }) => ({ blobs: new Map([[first?.digest ?? '', Buffer.alloc(first?.size ?? 0)]]) }),
    'corrupt',
    /digest|archive/,
  ],
  'a layer of another size': [
    ({ layers: [first] }) => ({ blobs: new Map([[first?.digest ?? '', Buffer.alloc(10)]]) }),
    'corrupt',
    /bytes were announced/,
  ],
  'indexes in one another': [nested, 'unsupported', /over 2 indexes/],
  'a manifest that is also an index': [
    (image) => {
      const bytes = json({ ...image.manifest.document, manifests: [] });
      return { blobs: new Map([[sha256(bytes), bytes]]), index: indexOf(descriptor(mediaTypes.manifest, bytes)) };
    },
    'corrupt',
    /field "manifests"/,
  ],
  'a manifest of 5 MiB': [
    () => {
      const bytes = Buffer.alloc(5 * 1024 * 1024, ' ');
      return { blobs: new Map([[sha256(bytes), bytes]]), index: indexOf(descriptor(mediaTypes.manifest, bytes)) };
    },
    'corrupt',
    /4194304/,
  ],
  'a digest that is a path': [
    () => ({ index: indexOf({ mediaType: mediaTypes.manifest, digest: 'sha256:../../../../etc/passwd', size: 10 }) }),
    'corrupt',
    /digest/,
  ],
  'a manifest of schema 1': [
    () => {
      const bytes = json({ schemaVersion: 1 });
      const type = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
      return { blobs: new Map([[sha256(bytes), bytes]]), index: indexOf(descriptor(type, bytes)) };
    },
    'unsupported',
    /v1/,
  ],
};

function makeLayout(directory: string, image: TestImage, change: Change): void {
  const { blobs = new Map<string, Buffer>(), index } = change(image);
  const place = join(directory, 'blobs/sha256');
  mkdirSync(place, { recursive: true });
  const all = new Map<string, Buffer>([...image.blobs, [image.manifest.digest, image.manifest.bytes], ...blobs]);
  for (const [digest, bytes] of all) writeFileSync(join(place, digest.slice(7)), bytes);
  const manifests = index ?? indexOf(descriptor(mediaTypes.manifest, image.manifest.bytes));
  writeFileSync(join(directory, 'index.json'), JSON.stringify(manifests));
}

for (const [what, [change, code, message]] of Object.entries(layouts)) {
  pullTest(`refused, into the store and elsewhere: ${what}`, [], async (world) => {
    const layout = join(world.scratch, 'layout');
    makeLayout(layout, smallImage(2), change);
    for (const to of ['onggi:app', `oci-archive:${join(world.scratch, 'o.tar')}:x`]) {
      const all = { instances: to.startsWith('onggi') ? 'system' : 'all' } as const;
      await assert.rejects(copyBetween(world.context, `oci:${layout}`, to, all), failsWith(code, message), to);
    }
    assertEmpty(world);
  });
}

pullTest('an archive that grows without end is given up', [], async (world) => {
  const path = join(world.scratch, 'bomb.tar.gz');
  writeFileSync(path, gzipSync(tarOf({ name: 'big', content: Buffer.alloc(8 * 1024 * 1024) })));
  const limits = { size: 1024 ** 3, ratio: 200, free: 1024 ** 2 };
  await assert.rejects(openArchive(path, world.scratch, undefined, limits), failsWith('exhausted', /compressed bytes/));
  await assert.rejects(
    openArchive(path, world.scratch, undefined, { ...limits, size: 1024 ** 2, ratio: 1e6 }),
    failsWith('exhausted', /over 1048576 bytes/),
  );
});

pullTest('files of a directory that are no files', [], async (world) => {
  const layout = join(world.scratch, 'l');
  mkdirSync(layout);
  symlinkSync('/dev/zero', join(layout, 'index.json'));
  await assert.rejects(copyBetween(world.context, `oci:${layout}`, 'onggi:x', {}), failsWith('invalid', /no.*regular/));
  await assert.rejects(copyBetween(world.context, `dir:${layout}`, 'onggi:x', {}), failsWith('not-found'));
  await assert.rejects(
    saveImages(world.context, ['nothing'], { path: join(world.scratch, 's') }),
    failsWith('not-found'),
  );
});

/** Full disks, damaged archives, huge layers and cut downloads, as users meet them: the words, the status, nothing half-made. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { tarOf } from '../../src/image/testing.ts';
import { serve } from '../../src/registry/testing.ts';
import { busyboxTar } from '../harness/busybox-image.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import { imageOf, servesImages } from '../harness/test-image.ts';
import { linesOf } from './container-view.ts';

const empty = { image: false };
/** Nobody's credentials and no proxy. */
const env = { DOCKER_CONFIG: '/nonexistent', HTTP_PROXY: undefined, http_proxy: undefined };

/** Runs `body` with the store on a disk of its own that is soon full. */
async function onSmallDisk(world: World, options: string, body: () => Promise<void>): Promise<void> {
  mkdirSync(world.root, { mode: 0o700 });
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `${options},mode=700`, 'small', world.root]);
  assert.equal(mounted.status, 0, String(mounted.stderr));
  try {
    await body();
    const containers = linesOf(await world.ok(['ps', '-aq']));
    if (containers.length > 0) await world.ok(['rm', '-f', ...containers]);
  } finally {
    const undone = spawnSync('umount', [world.root]);
    assert.equal(undone.status, 0, String(undone.stderr));
  }
}

/** No image, layer, blob or container, and nothing on its way. */
async function assertNothing(world: World): Promise<void> {
  assert.equal((await world.ok(['images', '-aq'])) + (await world.ok(['ps', '-aq'])), '');
  for (const directory of ['layers', 'tmp', 'blobs/sha256', 'containers']) {
    assert.deepEqual(readdirSync(join(world.root, directory)), [], directory);
  }
}

async function fails(world: World, args: readonly string[], status: number, message: RegExp): Promise<void> {
  const outcome = await world.onggi(args, { env });
  const said = `${args.join(' ')}: ${outcome.status} ${outcome.stdout}${outcome.stderr}`;
  assert.equal(outcome.status, status, said);
  assert.match(outcome.stderr, message, said);
}

for (const [what, options] of [
  ['bytes', 'size=3m'],
  ['inodes', 'size=64m,nr_inodes=70'],
] as const) {
  systemTest(
    `no ${what} left at an import: said, nothing half-made, less still fits`,
    ['busybox'],
    async (world) => {
      await onSmallDisk(world, options, async () => {
        await fails(world, ['import', await busyboxTar(), 'base'], 1, /^onggi: .*(no space left on device|ENOSPC)/i);
        await assertNothing(world);
        const small = join(world.scratch, 'small.tar');
        writeFileSync(small, tarOf({ name: 'f', content: 'x' }));
        await world.ok(['import', small, 'small']);
        assert.equal(await world.ok(['images', '--format', '{{.Repository}}']), 'small');
      });
    },
    empty,
  );
}

systemTest(
  'no bytes left at a pull: said, nothing half-made',
  [],
  async (world) => {
    const image = imageOf([
      tarOf({ name: 'a', content: 'x' }),
      tarOf({ name: 'large', content: randomBytes(6_000_000) }),
    ]);
    await using server = await serve(servesImages([image]));
    await onSmallDisk(world, 'size=4m', async () => {
      await fails(world, ['pull', `${server.host}/app`], 1, /^onggi: .*no space left on device.*\nFree some space/im);
      await assertNothing(world);
      await fails(world, ['run', '--rm', `${server.host}/app`, 'true'], 125, /no space left on device|ENOSPC/i);
      await assertNothing(world);
    });
  },
  empty,
);

systemTest(
  'a disk that fills while containers run: they see it, onggi says it, and all of it ends well',
  ['busybox'],
  async (world) => {
    await onSmallDisk(world, 'size=8m', async () => {
      await world.ok(['import', await busyboxTar(), 'busybox']);
      const go = join(world.scratch, 'go');
      mkdirSync(go);
      const waits = 'while [ ! -e /go/end ]; do sleep 0.02; done; echo lost; exit 6';
      const flags = ['--name', 'silent', '--network', 'none', '-v', `${go}:/go`];
      const silent = await world.ok(['run', '-d', ...flags, 'busybox', 'sh', '-c', waits]);
      // Its own writable layer.
      const hog = ['run', '--name', 'hog', '--network', 'none', 'busybox', 'sh', '-c', 'cat /dev/zero >/full'];
      const filled = await world.onggi(hog);
      assert.equal(filled.status, 1, filled.stderr);
      assert.match(filled.stderr, /No space left on device/);
      assert.equal(await world.ok(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'hog']), 'exited 1');
      // From here on there is no room at all: what needs some says so, what frees some works, and nothing lies.
      spawnSync('sh', ['-c', `cat /dev/zero >${join(world.root, 'fill')}`]);
      const run = ['run', '--rm', '--network', 'none', 'busybox', 'true'];
      await fails(world, run, 125, /^onggi: .*(no space left on device|disk is full).*\nFree some space/im);
      writeFileSync(join(go, 'end'), '');
      assert.equal(await world.ok(['wait', silent]), '6');
      assert.equal(await world.ok(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', silent]), 'exited 6');
      assert.match(await world.ok(['ps', '-a']), /hog/);
      await world.ok(['rm', 'hog', 'silent']);
      assert.equal(await world.ok(['run', '--rm', '--network', 'none', 'busybox', 'echo', 'again']), 'again');
      rmSync(join(world.root, 'fill'));
      // The log: what does not fit is lost, the command goes on and its end is told.
      const talker = ['run', '--name', 'talker', '--network', 'none', 'busybox', 'sh', '-c'];
      const talked = await world.onggi([
        ...talker,
        'yes aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | head -c 12000000; exit 5',
      ]);
      assert.deepEqual([talked.status, talked.stdout.length], [5, 12_000_000], talked.stderr);
      assert.equal(await world.ok(['wait', 'talker']), '5');
      assert.ok(linesOf(await world.ok(['logs', 'talker'])).length > 1000);
      await world.ok(['rm', 'talker']);
    });
  },
  empty,
);

systemTest(
  'without an inode containers end, are told of and are removed',
  ['busybox'],
  async (world) => {
    await onSmallDisk(world, 'size=64m,nr_inodes=700', async () => {
      await world.ok(['import', await busyboxTar(), 'busybox']);
      const flags = ['--network', 'none', 'busybox', 'sleep', '1000'];
      for (const name of ['c1', 'c2', 'c3']) await world.ok(['run', '-d', '--name', name, ...flags]);
      const fill = `i=0; while : >${join(world.root, 'fill')}$i; do i=$((i + 1)); done`;
      spawnSync('sh', ['-c', fill]);
      await fails(world, ['run', '--rm', ...flags], 125, /^onggi: .*no space left on device.*\nFree some space/im);
      await world.ok(['stop', '-t', '0', 'c1']);
      assert.equal(await world.ok(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'c1']), 'exited 137');
      spawnSync('sh', ['-c', fill]);
      await world.ok(['rm', 'c1']);
      spawnSync('sh', ['-c', fill]);
      await world.ok(['rm', '-f', 'c2', 'c3']);
      assert.equal(await world.ok(['ps', '-aq']), '');
      spawnSync('sh', ['-c', `rm ${join(world.root, 'fill')}*`]);
    });
  },
  empty,
);

systemTest(
  'truncated, damaged and hostile archives by file and by pipe',
  [],
  async (world) => {
    const good = tarOf({ name: 'd', type: '5' }, { name: 'd/f', content: randomBytes(200_000) });
    const archives: readonly (readonly [string, Buffer, RegExp])[] = [
      ['empty', Buffer.alloc(0), /empty|tar|archive/],
      ['cut in a file', good.subarray(0, 100_000), /ends|truncated|cut/],
      ['cut in a header', good.subarray(0, 700), /ends|truncated|cut/],
      ['without an end', good.subarray(0, good.length - 1024), /ends|truncated|end/],
      ['cut gzip', gzipSync(good).subarray(0, 50_000), /gzip|unexpected end|truncated/i],
      ['no archive', Buffer.from('this is a letter, not an archive\n'.repeat(100)), /archive|tar/],
      ['climbing', tarOf({ name: '../../escaped', content: 'x' }), /"\.\.\/\.\.\/escaped": .*leads out of the layer/],
      ['to the host', tarOf({ name: 'l', type: '1', link: '/etc/passwd' }), /not in this layer/],
      ['long name', tarOf({ name: 'x', pax: { path: 'n'.repeat(5000) } }), /name/i],
    ];
    for (const [what, bytes, message] of archives) {
      const file = join(world.scratch, 'bad.tar');
      writeFileSync(file, bytes);
      await fails(world, ['import', file, 'bad'], 1, message);
      const piped = await world.onggi(['import', '-', 'bad'], { input: bytes });
      assert.deepEqual([piped.status, message.test(piped.stderr)], [1, true], `${what}: ${piped.stderr}`);
      await assertNothing(world);
    }
    await fails(world, ['import', '/nonexistent.tar', 'x'], 1, /nonexistent\.tar.*no such file/i);
    await fails(world, ['import', world.scratch, 'x'], 1, /directory/i);
    writeFileSync(join(world.scratch, 'good.tar'), good);
    await fails(world, ['import', join(world.scratch, 'good.tar'), 'Not A Name'], 1, /Not A Name|lowercase/);
    await fails(world, ['import', '-c', 'RUN x', join(world.scratch, 'good.tar'), 'x'], 1, /RUN/);
    await assertNothing(world);
  },
  empty,
);

systemTest(
  'a registry that cuts, stalls and comes back: resumed or said, never half-registered',
  [],
  async (world) => {
    const image = imageOf([tarOf({ name: 'large', content: randomBytes(3_000_000) })]);
    const [layer] = image.layers;
    let cuts = 2;
    await using server = await serve(
      servesImages([image], undefined, ({ path, headers }, response) => {
        const blob = path.endsWith(layer?.digest ?? '-')
          ? image.blobs.get(layer?.digest ?? image.config.digest)
          : undefined;
        if (blob === undefined || cuts-- <= 0) return false;
        const from = Number(/bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0);
        const range = from > 0 ? { 'content-range': `bytes ${from}-${blob.length - 1}/${blob.length}` } : {};
        response.writeHead(from > 0 ? 206 : 200, { 'content-length': blob.length - from, ...range });
        response.write(blob.subarray(from, from + 700_000), () => response.socket?.destroy());
        return true;
      }),
    );
    await world.ok(['pull', '-q', `${server.host}/app`], { env });
    assert.ok(cuts <= 0, 'it was cut');
    await world.ok(['rmi', `${server.host}/app`]);
    await assertNothing(world);
    // Nobody there at all.
    const { host } = server;
    await server[Symbol.asyncDispose]();
    await fails(world, ['pull', `${host}/app`], 1, /connection refused|ECONNREFUSED/i);
    await fails(world, ['run', `${host}/app`, 'true'], 125, /connection refused|ECONNREFUSED/i);
    await assertNothing(world);
  },
  empty,
);

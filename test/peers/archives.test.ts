/** Archives of images between onggi, docker and podman: each loads what the other saves, the same image comes out. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tarOf } from '../../src/image/testing.ts';
import { findLeaks, snapshot } from '../harness/leaks.ts';
import { lockMachine } from '../harness/machine-lock.ts';
import { run } from '../harness/program.ts';
import { type Need, requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';
import { binary } from '../harness/system-test.ts';
import { imageOf } from '../harness/test-image.ts';
import { writeLayout } from '../image/oci-layout-files.ts';
import { describeStored } from '../image/stored-image.ts';
import { openApart } from './apart.ts';
import { startDocker } from './docker-daemon.ts';

const root = { name: './', type: '5', mtime: 1 };
const etc = { name: 'etc', type: '5', mode: 0o750, uid: 3, mtime: 2 };
const image = imageOf([
  tarOf(
    root,
    etc,
    { name: 'etc/a', content: 'a', pax: { 'SCHILY.xattr.user.x': 'y' } },
    { name: 'etc/b', content: 'b' },
  ),
  tarOf(root, etc, { name: 'etc/.wh.b' }, { name: 'etc/a', content: 'other' }, { name: 'l', type: '2', link: 'etc/a' }),
  // The same again, as a Dockerfile's empty steps make it.
  tarOf(root, etc, { name: 'etc/.wh.b' }, { name: 'etc/a', content: 'other' }, { name: 'l', type: '2', link: 'etc/a' }),
  tarOf(root, { name: 'big', content: 'x'.repeat(300_000) }),
]);
const name = 'team/app:1';

type Engine = AsyncDisposable & { ok(...args: string[]): Promise<string> };

/** Ours and theirs: there, back, and the two archives of podman. */
async function thereAndBack(scratch: string, engine: Engine, formats: readonly (readonly string[])[]): Promise<void> {
  const onggi = async (store: string, ...args: string[]): Promise<string> => {
    const outcome = await run(binary, ['--root', join(scratch, store), ...args]);
    assert.equal(outcome.status, 0, `onggi ${args.join(' ')}: ${outcome.stderr}`);
    return outcome.stdout;
  };
  writeLayout(join(scratch, 'layout'), image, 'x');
  await onggi('s', 'image', 'copy', '-q', `oci:${join(scratch, 'layout')}:x`, `onggi:${name}`);
  const ours = join(scratch, 'ours.tar');
  await onggi('s', 'save', '-o', ours, name);
  await engine.ok('load', '-i', ours);
  const inspected = JSON.parse(await engine.ok('image', 'inspect', name));
  assert.equal(inspected[0].Id.replace('sha256:', ''), image.config.digest.slice(7), 'the id is that of the config');
  const expected = describeStored(join(scratch, 's'), name);
  assert.deepEqual(
    inspected[0].RootFS.Layers,
    expected.layers.map((line) => line.split(' ')[0]),
  );
  for (const [index, format] of formats.entries()) {
    const theirs = join(scratch, `theirs-${index}.tar`);
    await engine.ok('save', ...format, '-o', theirs, name);
    const printed = await onggi(`back-${index}`, 'load', '-i', theirs);
    const loaded = /^Loaded image(?: ID)?: (.*)$/m.exec(printed)?.[1] ?? '';
    assert.deepEqual(describeStored(join(scratch, `back-${index}`), loaded), expected, format.join(' '));
  }
}

function archiveTest(
  engine: string,
  needs: readonly Need[],
  start: (scratch: string) => Promise<Engine>,
  formats: readonly (readonly string[])[],
) {
  test(`archives of ${engine}`, { timeout: 120_000, ...requires('root', ...needs) }, async () => {
    await lockMachine();
    const before = snapshot();
    {
      await using scratch = makeScratch();
      await using peer = await start(scratch.path);
      await thereAndBack(scratch.path, peer, formats);
    }
    assert.deepEqual(await findLeaks(before), [], 'left behind');
  });
}

archiveTest(
  'docker',
  ['overlay', 'dockerd'],
  async () => {
    const docker = await startDocker();
    return { ok: (...args) => docker.ok(args), [Symbol.asyncDispose]: () => docker[Symbol.asyncDispose]() };
  },
  [[]],
);

archiveTest(
  'podman',
  ['overlay', 'podman'],
  async (scratch) => {
    const apart = await openApart('onggi-podman', 'mount -t tmpfs tmpfs /dev/shm');
    const at = (file: string) => join(scratch, file);
    mkdirSync(at('root'));
    writeFileSync(at('containers.conf'), '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n');
    const command = [
      ...['env', `CONTAINERS_CONF=${at('containers.conf')}`, 'podman', '--root', at('root'), '--runroot', at('run')],
      ...['--tmpdir', at('tmp')],
    ];
    return {
      ok: (...args) => apart.ok([...command, ...args]),
      [Symbol.asyncDispose]: () => apart[Symbol.asyncDispose](),
    };
  },
  [
    ['--format', 'docker-archive'],
    ['--format', 'oci-archive'],
  ],
);

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ContainerOptions, PullEvent } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import { containerId, fakeCalls, fakeContainer, fakeImage, fakeSession, notFound, runFake } from '../testing.ts';

test('run passes output and exit status on', async () => {
  const asked: ContainerOptions[] = [];
  const engine = {
    images: { exists: async () => true },
    containers: {
      run: async (options: ContainerOptions) => {
        asked.push(options);
        const session = fakeSession((it) => {
          it.print('hi\n');
          it.print('oops\n', 'stderr');
          it.end(7);
        });
        return { id: containerId, session };
      },
    },
  };
  const ran = await runFake(['run', '--rm', '--name', 'web', 'alpine', 'sh', '-c', 'exit 7'], { engine });
  assert.deepEqual([ran.status, ran.stdout, ran.stderr], [7, 'hi\n', 'oops\n']);
  assert.deepEqual(
    [asked[0]?.image, asked[0]?.command, asked[0]?.autoRemove],
    ['alpine', ['sh', '-c', 'exit 7'], true],
  );
  const partly = await runFake(['run', '-a', 'STDERR', 'alpine'], { engine });
  assert.deepEqual([partly.stdout, partly.stderr], ['', 'oops\n']);
});

test('run -d prints the ID, even of a container that does not start', async () => {
  const { calls, record } = fakeCalls();
  const containers = { create: async () => fakeContainer(), start: record('start', () => undefined) };
  const engine = { images: { exists: async () => true }, containers };
  const ran = await runFake(['run', '-d', 'alpine'], { engine });
  assert.deepEqual([ran.status, ran.stdout, calls], [0, `${containerId}\n`, [`start ${containerId} {}`]]);
  const start = async () => {
    throw new OnggiError('command-not-found', 'exec "x": not found');
  };
  const failed = await runFake(['run', '-d', 'alpine', 'x'], {
    engine: { ...engine, containers: { ...containers, start } },
  });
  assert.deepEqual(
    [failed.status, failed.stdout, failed.stderr],
    [127, `${containerId}\n`, 'onggi: exec "x": not found\n'],
  );
});

test('a missing image is pulled, unless that is forbidden', async () => {
  const pulls: string[] = [];
  async function* pull(ref: string): AsyncIterable<PullEvent> {
    pulls.push(ref);
    yield { type: 'done', id: fakeImage.id, upToDate: false };
  }
  let there = false;
  const images = {
    exists: async () => there,
    pull,
    async forPlatform(name: string, platform: string) {
      if (platform === 'linux/arm64') throw new OnggiError('not-found', 'for another one');
      return name;
    },
  };
  const engine = { images, containers: { create: async () => fakeContainer() } };
  const missing = await runFake(['create', 'alpine'], { engine });
  assert.match(missing.stderr, /^Unable to find image 'alpine:latest' locally\nlatest: Pulling from library\/alpine\n/);
  assert.equal(missing.stdout, `${containerId}\n`);
  assert.deepEqual(pulls, ['alpine']);
  assert.doesNotMatch((await runFake(['create', '-q', 'alpine'], { engine })).stderr, /Pulling/);
  pulls.length = 0;
  await runFake(['create', '--pull', 'never', 'alpine'], { engine });
  await runFake(['create', 'host'], { engine });
  assert.deepEqual(pulls, []);
  there = true;
  await runFake(['create', 'alpine'], { engine });
  await runFake(['create', '--platform', 'linux/x86_64', 'alpine'], { engine });
  assert.deepEqual(pulls, []);
  await runFake(['create', '--pull', 'always', 'alpine'], { engine });
  await runFake(['create', '--platform', 'linux/arm64', 'alpine'], { engine });
  assert.deepEqual(pulls, ['alpine', 'alpine']);
});

test('--pull newer asks the registry, which need not answer when there is an image', async () => {
  let [there, answers, pulls] = [true, true, 0];
  async function* pull(): AsyncIterable<PullEvent> {
    pulls += 1;
    if (!answers) throw new OnggiError('unavailable', 'no route to it');
    yield { type: 'done', id: fakeImage.id, upToDate: false };
  }
  const images = { exists: async () => there, pull };
  const engine = { images, containers: { create: async () => fakeContainer() } };
  const create = async () => await runFake(['create', '--pull', 'newer', 'alpine'], { engine });
  assert.deepEqual([(await create()).stdout, pulls], [`${containerId}\n`, 1]);
  answers = false;
  assert.deepEqual([(await create()).stdout, pulls], [`${containerId}\n`, 2]);
  there = false;
  assert.match((await create()).stderr, /no route to it/);
});

test('--explain prints the steps and makes nothing', async () => {
  const ran = await runFake(['run', '--explain', 'alpine', 'true'], {
    engine: { containers: { explain: async ({ command }: ContainerOptions) => `exec ${command}\n` } },
  });
  assert.deepEqual([ran.status, ran.stdout], [0, 'exec true\n']);
});

test('--cidfile names the container, must not exist, and vanishes when there is none', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'onggi-cid-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'cid');
  let fails = false;
  const engine = {
    images: { exists: async () => true },
    containers: {
      create: async () => {
        if (fails) throw notFound('x');
        return fakeContainer();
      },
      startAttached: async () => fakeSession((it) => it.end(0)),
    },
  };
  assert.equal((await runFake(['run', '--cidfile', path, 'alpine'], { engine })).status, 0);
  assert.equal(readFileSync(path, 'utf8'), containerId);
  const again = await runFake(['run', '--cidfile', path, 'alpine'], { engine });
  assert.equal(again.status, 125);
  assert.match(again.stderr, /^onggi: container ID file found: /);
  rmSync(path);
  fails = true;
  assert.equal((await runFake(['create', '--cidfile', path, 'alpine'], { engine })).status, 1);
  assert.ok(!existsSync(path));
  const nowhere = await runFake(['run', '--cidfile', join(path, 'x'), 'alpine'], { engine });
  assert.deepEqual([nowhere.status, /open .*: no such file or directory/.test(nowhere.stderr)], [127, true]);
});

test('env and label files are read', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'onggi-env-'));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'env'), 'A=1\nHOME\n');
  writeFileSync(join(directory, 'labels'), 'a=b\n');
  writeFileSync(join(directory, 'binary'), new Uint8Array([0x41, 0x3d, 0xff]));
  const asked: ContainerOptions[] = [];
  const create = async (options: ContainerOptions) => {
    asked.push(options);
    return fakeContainer();
  };
  const world = {
    engine: { images: { exists: async () => true }, containers: { create } },
    directory,
    env: { HOME: '/root' },
  };
  await runFake(['create', '--env-file', 'env', '--label-file', './labels', 'alpine'], world);
  assert.deepEqual([asked[0]?.env, asked[0]?.labels], [['A=1', 'HOME=/root'], { a: 'b' }]);
  const binary = await runFake(['create', '--env-file', 'binary', 'alpine'], world);
  assert.deepEqual([binary.status, binary.stderr], [125, "onggi: read 'binary': invalid utf8 bytes\n"]);
});

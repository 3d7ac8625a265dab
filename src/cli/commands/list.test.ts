import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OnggiError } from '../../errors.ts';
import type { Digest } from '../../oci/digest.ts';
import { containerId, fakeCalls, fakeContainer, fakeImage, fakeTerminal, runFake } from '../testing.ts';

test('ps lists what was asked for', async () => {
  const queries: unknown[] = [];
  const all = [fakeContainer({ name: 'new', status: 'created', startedAt: null }), fakeContainer()];
  const list = async (query?: { readonly all?: boolean }) => {
    queries.push(query?.all);
    return query?.all === true ? all : all.slice(1);
  };
  const engine = { containers: { list } };
  const names = async (...flags: string[]) =>
    (await runFake(['ps', '--format', '{{.Names}}', ...flags], { engine })).stdout;
  assert.equal(await names(), 'web\n');
  assert.equal(await names('-a'), 'new\nweb\n');
  assert.equal(await names('-l'), 'new\n');
  assert.equal(await names('-n', '5'), 'new\nweb\n');
  assert.equal(await names('-n', '5', '-l'), 'new\nweb\n');
  assert.equal(await names('-n', '0'), 'web\n');
  assert.equal(await names('-f', 'status=created'), 'new\n');
  assert.equal(await names('-f', 'name=web'), 'web\n');
  assert.deepEqual(queries, [false, true, true, true, true, false, true, false]);
  assert.equal((await runFake(['ps', '-q'], { engine })).stdout, `${containerId.slice(0, 12)}\n`);
  assert.equal((await runFake(['ps', '-q', '--no-trunc'], { engine })).stdout, `${containerId}\n`);
  const both = await runFake(['ps', '-q', '--format', '{{.Names}}'], { engine });
  assert.equal(both.stdout, `${containerId.slice(0, 12)}\n`);
  assert.match(both.stderr, /^WARNING: Ignoring custom format/);
});

test('a bad template or filter is found before or without the engine', async () => {
  assert.equal((await runFake(['ps', '--format', '{{.ID'])).stderr, 'onggi: template parsing error: unclosed action\n');
  const engine = { containers: { list: async () => [] } };
  const filtered = await runFake(['ps', '--filter', 'foo=bar'], { engine });
  assert.deepEqual([filtered.status, filtered.stderr.split('\n')[0]], [1, "onggi: Invalid filter 'foo'"]);
});

test('images has a row for each name, and looks at configs only when it must', async () => {
  const inspects: string[] = [];
  const untagged = { ...fakeImage, id: `sha256:${'ef'.repeat(32)}` as Digest, names: [], digests: [] };
  const images = {
    list: async () => [fakeImage, untagged],
    inspect: async (ref: string) => {
      inspects.push(ref);
      if (ref === untagged.id) throw new OnggiError('not-found', 'removed meanwhile');
      return { Config: { Labels: { a: 'b' } } };
    },
  };
  const print = async (...flags: string[]) => (await runFake(['images', ...flags], { engine: { images } })).stdout;
  const names = (...flags: string[]) => print('--format', '{{.Repository}}:{{.Tag}}', ...flags);
  assert.equal(await names(), 'alpine:latest\nalpine:3\n<none>:<none>\n');
  assert.equal(await names('alpine:3'), 'alpine:3\n');
  assert.equal(await names('nosuch'), '');
  // As Docker has it: an id for each name.
  assert.equal(await print('-q'), 'cdcdcdcdcdcd\ncdcdcdcdcdcd\nefefefefefef\n');
  const sizes = '{{.VirtualSize}} {{.SharedSize}} {{.UniqueSize}} {{.Containers}}';
  assert.match(await print('--format', sizes), /^\S+B N\/A N\/A N\/A\n/);
  assert.equal(await print('-q', '--no-trunc'), `${fakeImage.id}\n${fakeImage.id}\n${untagged.id}\n`);
  assert.deepEqual(inspects, []);
  assert.equal(await names('-f', 'label=a=b'), 'alpine:latest\nalpine:3\n');
  assert.match(
    await print('--digests'),
    /^REPOSITORY +TAG +DIGEST +IMAGE ID .*\nalpine +latest +sha256:1111.* +cdcd.*\n(?:.*\n)*<none> +<none> +<none> +efef/,
  );
  assert.equal(inspects.length, 2);
});

test('a name by digest is shown only where no tag names the repository', async () => {
  const digest = `sha256:${'11'.repeat(32)}`;
  const names = (...list: string[]) => {
    const images = { list: async () => [{ ...fakeImage, names: list }] };
    return runFake(['images', '--format', '{{.Repository}}:{{.Tag}}'], { engine: { images } });
  };
  assert.equal((await names('alpine:3', `alpine@${digest}`)).stdout, 'alpine:3\n');
  assert.equal((await names('alpine:3', `other@${digest}`)).stdout, 'alpine:3\nother:<none>\n');
  assert.equal((await names(`alpine@${digest}`)).stdout, 'alpine:<none>\n');
});

test('rmi, import', async () => {
  const { calls, record } = fakeCalls();
  const images = {
    remove: record('rmi', (ref) => ({ untagged: [`${ref}:latest`], deleted: ['sha256:1'], reclaimed: 7 })),
  };
  const removed = await runFake(['rmi', '-f', 'a', 'b'], { engine: { images } });
  assert.equal(removed.stdout, 'Untagged: a:latest\nDeleted: sha256:1\nUntagged: b:latest\nDeleted: sha256:1\n');
  assert.deepEqual(calls, ['rmi a {"force":true}', 'rmi b {"force":true}']);

  const got: unknown[] = [];
  const load = async (
    source: string | AsyncIterable<Uint8Array>,
    name: string | null,
    { signal, ...options }: { readonly signal?: AbortSignal } = {},
  ) => {
    assert.ok(signal instanceof AbortSignal, 'it can be interrupted');
    const chunks = typeof source === 'string' ? source : await joined(source);
    got.push([chunks, name, options]);
    return { id: fakeImage.id };
  };
  const world = { engine: { images: { import: load } }, input: ['A', 'B'] };
  assert.equal((await runFake(['import', 'x.tar', 'base'], world)).stdout, `${fakeImage.id}\n`);
  await runFake(['import', '-c', 'CMD ["sh"]', '-m', 'why', '-'], world);
  await runFake(['import', '-q', 'http://a.example/x.tar'], world);
  assert.deepEqual(got, [
    ['/home/user/x.tar', 'base', { changes: [] }],
    ['A,B', null, { changes: ['CMD ["sh"]'], message: 'why' }],
    ['http://a.example/x.tar', null, { changes: [] }],
  ]);
  const terminal = await runFake(['import', '-', 'x'], { terminal: fakeTerminal });
  assert.match(terminal.stderr, /it is a terminal, not an archive/);
});

test('version and info take templates', async () => {
  assert.match((await runFake(['version'])).stdout, /^onggi, without a daemon:\n Version: +\d/);
  assert.match((await runFake(['version', '-f', '{{.Client.Os}}'])).stdout, /^linux\n$/);
  const info = async () => ({
    version: '1',
    root: '/r',
    id: 'x',
    logDrivers: ['json-file' as const],
    controllers: ['cpu'],
    swapLimit: false,
    ipForwarding: true,
    time: 0,
    osVersion: '12',
    containers: { created: 1, running: 2, exited: 3, paused: 1, restarting: 0 },
    images: 4,
    storageDriver: 'overlay2' as const,
    storageDriverStatus: [['Backing Filesystem', 'extfs'] as const],
    logDriver: 'json-file' as const,
    cgroupVersion: '2' as const,
    cgroupDriver: 'cgroupfs' as const,
    rootless: false,
    selinux: false,
    kernel: '6',
    operatingSystem: 'Debian',
    osType: 'linux',
    architecture: 'x86_64',
    cpus: 2,
    memory: 2 ** 34,
    hostname: 'h',
    warnings: ['No swap limit support.'],
  });
  const plain = await runFake(['info'], { engine: { info } });
  assert.match(plain.stdout, /^Server:\n Containers: 7\n {2}Running: 2\n {2}Paused: 1\n {2}Stopped: 4\n Images: 4\n/);
  assert.match(plain.stdout, /\n Total Memory: 16GiB\n/);
  assert.equal(plain.stderr, 'WARNING: No swap limit support.\n');
  assert.equal((await runFake(['info', '-f', '{{.Containers}} {{.NCPU}}'], { engine: { info } })).stdout, '7 2\n');
});

async function joined(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: string[] = [];
  for await (const chunk of chunks) parts.push(new TextDecoder().decode(chunk));
  return parts.join();
}

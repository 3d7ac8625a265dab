import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SystemUsage } from '../../engine/index.ts';
import { fakeContainer, fakeImage, fixedNow, runFake } from '../testing.ts';

const volume = {
  name: 'data',
  created: fixedNow,
  anonymous: false,
  labels: {},
  options: {},
  mountPoint: '/v/data',
  used: true,
};

const usage: SystemUsage = {
  registry: { manifests: 0, tagged: 0, size: 0, reclaimable: 0 },
  images: [
    { image: { ...fakeImage, containers: 2 }, shared: 4_000_000, unique: 6_000_000 },
    { image: { ...fakeImage, names: [] }, shared: 4_000_000, unique: 0 },
  ],
  imagesSize: 10_000_000,
  imagesReclaimable: 4_000_000,
  containers: [
    { container: fakeContainer({ mounts: ['data', '/host'] }), size: 8192 },
    { container: fakeContainer({ name: 'old', status: 'exited', exitCode: 0, finishedAt: fixedNow }), size: 4096 },
  ],
  volumes: [{ volume, links: 1, size: 500 }],
};

const engine = { system: { usage: async () => usage } };

test('system df prints what docker system df prints', async () => {
  assert.equal(
    (await runFake(['system', 'df'], { engine })).stdout,
    'TYPE            TOTAL     ACTIVE    SIZE      RECLAIMABLE\n' +
      'Images          2         1         10MB      4MB (40%)\n' +
      'Containers      2         1         12.29kB   4.096kB (33%)\n' +
      'Local Volumes   1         1         500B      0B (0%)\n' +
      'Build Cache     0         0         0B        0B\n',
  );
  assert.equal(
    (await runFake(['system', 'df', '--format', '{{.Type}}={{.Size}}'], { engine })).stdout.split('\n')[0],
    'Images=10MB',
  );
});

test('system df -v shows each', async () => {
  const { stdout } = await runFake(['system', 'df', '-v'], { engine });
  assert.match(
    stdout,
    /^Images space usage:\n\nREPOSITORY +TAG +IMAGE ID +CREATED +SIZE +SHARED SIZE +UNIQUE SIZE +CONTAINERS\n/,
  );
  assert.match(stdout, /\nalpine +latest +cdcdcdcdcdcd .* ago +10MB +4MB +6MB +2\n<none> +<none> /);
  assert.match(stdout, /\nContainers space usage:\n\n.*\nabababababab +alpine +"sleep 9" +1 +8\.192kB .* web\n/);
  assert.match(
    stdout,
    /\nLocal Volumes space usage:\n\nVOLUME NAME +LINKS +SIZE\ndata +1 +500B\n\nBuild cache usage: 0B\n/,
  );
  const all = await runFake(['system', 'df', '-v', '--format', 'json'], { engine });
  const { Images, Containers, Volumes, BuildCache } = JSON.parse(all.stdout);
  assert.deepEqual(
    [Images[0].Repository, Containers[0].State, Volumes[0].Links, BuildCache],
    ['alpine', 'running', '1', []],
  );
  const names = await runFake(['system', 'df', '-v', '--format', '{{range .Volumes}}{{.Name}}{{end}}'], { engine });
  assert.equal(names.stdout, `${volume.name}\n`);
});

test('system df tells of the registry server where there is one', async () => {
  const registry = { manifests: 3, tagged: 1, size: 2_000_000, reclaimable: 500_000 };
  const engine = { system: { usage: async () => ({ ...usage, registry }) } };
  assert.match((await runFake(['system', 'df'], { engine })).stdout, /^Registry +3 +1 +2MB +500kB \(25%\)$/m);
  const details = (await runFake(['system', 'df', '-v'], { engine })).stdout;
  assert.match(details, /^3 manifests, 1 of them tagged: 2MB, of which 500kB have no tag$/m);
});

test('system prune says what it will remove, and asks', async () => {
  const asked: unknown[] = [];
  const prune = async (options: unknown) => {
    asked.push(options);
    const images = [{ untagged: [], deleted: ['sha256:1'], reclaimed: 5 }];
    return { containers: ['c1', 'c2'], volumes: ['v1'], images, reclaimed: 1_234_567 };
  };
  const run = (input: string, ...flags: string[]) =>
    runFake(['system', 'prune', ...flags], { engine: { system: { prune } }, input: [input] });
  assert.equal(
    (await run('y\n')).stdout,
    'WARNING! This will remove:\n' +
      '  - all stopped containers\n' +
      '  - all networks not used by at least one container\n' +
      '  - all dangling images\n' +
      '  - unused build cache\n' +
      '\n' +
      'Are you sure you want to continue? [y/N] ' +
      'Deleted Containers:\nc1\nc2\n\nDeleted Volumes:\nv1\n\nDeleted Images:\ndeleted: sha256:1\n\nTotal reclaimed space: 1.235MB\n',
  );
  const all = (await run('n\n', '-a', '--volumes', '--filter', 'label!=keep')).stdout;
  assert.match(
    all,
    /all anonymous volumes not used.*\n.*all images without at least one container.*\n.*all build cache/,
  );
  assert.match(all, /\n {2}Items to be pruned will be filtered with:\n {2}- label!=keep\n\nAre you sure/);
  await run('', '-f', '--filter', 'until=1h');
  const both = await run('', '-f', '--volumes', '--filter', 'until=1h');
  assert.deepEqual([both.status, /The "until" filter is not supported with "--volumes"/.test(both.stderr)], [1, true]);
  assert.deepEqual(asked, [
    { all: false, volumes: false },
    { all: false, volumes: false, before: fixedNow - 3600_000 },
  ]);
});

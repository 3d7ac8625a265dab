import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerSample } from '../../engine/types.ts';
import { compileListing } from '../format/listing.ts';
import { statsListing, statsRow } from '../format/stats-row.ts';
import { fakeContainer, notFound, runFake } from '../testing.ts';

const { id } = fakeContainer();
const sample: ContainerSample = {
  id,
  name: 'web',
  running: true,
  time: 2e9,
  cpu: 3e9,
  memory: 1_572_864,
  memoryLimit: 64 << 20,
  network: { received: 840, sent: 1_250_000 },
  block: { read: 0, written: 4096 },
  tasks: 3,
};
const before = { ...sample, time: 1e9, cpu: 1.5e9 };

test('stats prints what docker stats prints', () => {
  const { print } = compileListing(statsListing, undefined);
  assert.equal(
    print([statsRow('web', sample, before, true)]),
    'CONTAINER ID   NAME      CPU %     MEM USAGE / LIMIT   MEM %     NET I/O         BLOCK I/O    PIDS\n' +
      `${id.slice(0, 12)}   web       150.00%   1.5MiB / 64MiB      2.34%     840B / 1.25MB   0B / 4.1kB   3\n`,
  );
});

test('ps looks at all to know what is before one that has ended, and shows what runs', async () => {
  const [web, old] = [
    fakeContainer({ created: 1 }),
    fakeContainer({ id: 'cd'.repeat(32) as typeof id, name: 'old', created: 0, status: 'created' }),
  ];
  const last = fakeContainer({ id: 'ef'.repeat(32) as typeof id, name: 'last', created: 2, status: 'exited' });
  const list = async (query: { readonly all?: boolean }) => (query.all === true ? [last, web, old] : [web]);
  const run = async (...words: string[]) =>
    (await runFake(['ps', '--format', '{{.Names}}', ...words], { engine: { containers: { list } } })).stdout;
  assert.equal(await run('--filter', 'before=last'), 'web\n');
  assert.equal(await run('-a', '--filter', 'before=last'), 'web\nold\n');
  assert.equal(await run('--filter', 'status=created'), 'old\n');
  assert.equal(await run('--filter', 'id=abab'), 'web\n');
  assert.equal(await run('--filter', 'id=ef'), '');
  assert.equal(await run('-a', '--filter', 'id=ef'), 'last\n');
});

test('without an earlier look, or with one of an earlier run, nothing was used', () => {
  const share = (earlier: ContainerSample | undefined) => statsRow('web', sample, earlier, true)['CPUPerc'];
  assert.equal(share(undefined), '0.00%');
  assert.equal(share(sample), '0.00%');
  assert.equal(share({ ...before, cpu: 9e9 }), '0.00%');
});

test('every field of the listing is in its rows', () => {
  assert.deepEqual(
    Object.keys(statsRow('web', sample, before, true)).sort(),
    Object.keys(statsListing.headings).sort(),
  );
});

test('containers that do not run need no second look later; a name that there is none of is told at once', async () => {
  const get = async (ref: string) => {
    if (ref === 'nosuch') throw notFound(ref);
    return fakeContainer();
  };
  const stats = async () => ({ ...sample, running: false, cpu: 0, memory: 0, memoryLimit: 0, tasks: 0 });
  const run = (...words: string[]) => runFake(['stats', ...words], { engine: { containers: { get, stats } } });
  const idle = await run(
    '--no-stream',
    '--format',
    '{{.Container}} {{.ID}} {{.CPUPerc}} {{.MemUsage}} {{.PIDs}}',
    'web',
  );
  assert.equal(idle.stdout, `web ${id.slice(0, 12)} 0.00% 0B / 0B 0\n`);
  assert.equal((await run('--no-stream', '--no-trunc', '--format', '{{.ID}}', 'web')).stdout, `${id}\n`);
  const none = await run('web', 'nosuch');
  assert.deepEqual([none.status, none.stderr], [1, 'onggi: No such container: nosuch\n']);
  // As with Docker: what is named is shown, and no other.
  assert.equal((await run('--all', '--no-stream', '--format', '{{.Name}}', 'web')).stdout, 'web\n');
});

test('top aligns its columns by twenty, and shows no controls', async () => {
  const processes = [
    ['root', '97', 'sh -c \x1b[31m'],
    ['someone-with-a-long-name', '104', 'x'],
  ];
  const top = async () => ({ titles: ['UID', 'PID', 'CMD'], processes });
  const { stdout } = await runFake(['top', 'web', '-ef'], { engine: { containers: { top } } });
  assert.equal(
    stdout,
    'UID                        PID                 CMD\n' +
      'root                       97                  sh -c \\x1b[31m\n' +
      'someone-with-a-long-name   104                 x\n',
  );
});

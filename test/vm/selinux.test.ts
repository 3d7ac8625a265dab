/** Labels where SELinux is on: processes, file systems, binds, volumes. The last test of its machine: it loads a policy. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { openDirectory } from '../../src/kernel/directory.ts';
import { readAttribute } from '../../src/kernel/entry-facts.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import { policyPath } from './selinux-policy.ts';

function labelOf(path: string): string {
  using parent = openDirectory(dirname(path));
  return readAttribute(parent, basename(path), 'security.selinux')?.toString().replace(/\0$/, '') ?? '';
}

function loadPolicy(): void {
  const top = '/sys/fs/selinux';
  if (!existsSync(`${top}/load`)) spawnSync('mount', ['-t', 'selinuxfs', 'none', top]);
  writeFileSync(`${top}/load`, readFileSync(policyPath));
  mkdirSync('/etc/selinux/tiny/contexts', { recursive: true });
  writeFileSync('/etc/selinux/config', 'SELINUX=permissive\nSELINUXTYPE=tiny\n');
  writeFileSync(
    '/etc/selinux/tiny/contexts/lxc_contexts',
    'process = "system_u:system_r:container_t:s0"\nfile = "system_u:object_r:container_file_t:s0"\n',
  );
}

type Labels = { readonly process: string; readonly mount: string };

async function labelsOf(world: World, name: string): Promise<Labels> {
  const [process = '', mount = ''] = (
    await world.ok(['inspect', '-f', '{{.ProcessLabel}} {{.MountLabel}}', name])
  ).split(' ');
  return { process, mount };
}

const quiet = ['--network', 'none'];
const current = ['cat', '/proc/self/attr/current'];
const shared = 'system_u:object_r:container_file_t:s0';

/** Where the policy is enforced, what is another container's stays so until somebody gives it away. */
async function checkEnforced({ ok, onggi, image }: World, directory: string): Promise<void> {
  const bind = ['-v', `${directory}:/own`];
  const asOwner = ['exec', 'owner', 'cat', '/own/file'];
  const read = (...words: string[]) => onggi(['run', '--rm', ...quiet, ...words, image, 'cat', '/own/file']);
  writeFileSync(join(directory, 'file'), 'secret');
  writeFileSync('/sys/fs/selinux/enforce', '1');
  try {
    await ok(['run', '-d', ...quiet, '--name', 'owner', '-v', `${directory}:/own:Z`, image, 'sleep', '1000']);
    assert.equal(await ok(asOwner), 'secret');
    const foreign = await read(...bind);
    assert.deepEqual([foreign.status, /Permission denied/.test(foreign.stderr)], [1, true], foreign.stderr);
    assert.equal((await read(...bind, '--security-opt', 'label=disable')).stdout, 'secret');
    assert.equal((await read('-v', `${directory}:/own:Z`)).stdout, 'secret');
    assert.match((await onggi(asOwner)).stderr, /Permission denied/);
    assert.equal((await read('-v', `${directory}:/own:z`)).stdout, 'secret');
    assert.equal(await ok(asOwner), 'secret');
  } finally {
    writeFileSync('/sys/fs/selinux/enforce', '0');
  }
  await ok(['rm', '-f', 'owner']);
}

systemTest(
  'SELinux: each container has labels of its own, and shares what it is told to',
  ['selinux'],
  async (world) => {
    loadPolicy();
    const { image, scratch } = world;
    const at = (name: string): string => join(scratch, name);
    const run = async (...args: string[]): Promise<string> =>
      (await world.ok(['run', '--rm', ...quiet, ...args])).replace(/\0$/, '');
    for (const name of ['own/deep', 'all', 'none']) mkdirSync(at(name), { recursive: true });
    for (const name of ['own/deep/file', 'outside']) writeFileSync(at(name), 'x');
    symlinkSync(at('outside'), at('own/link'));
    const binds = ['-v', `${at('own')}:/own:Z`, '-v', `${at('all')}:/all:z`, '-v', `${at('none')}:/none`];
    const more = ['-v', `${at('new/here')}:/new:Z`, '-v', 'data:/data', '-v', 'mine:/mine:Z'];
    const word = ['sh', '-c', 'echo x >/written; exec sleep 1000'];
    await world.ok(['run', '-d', ...quiet, '--name', 'first', ...binds, ...more, image, ...word]);
    const { process, mount } = await labelsOf(world, 'first');
    assert.match(process, /^system_u:system_r:container_t:s0:c\d+,c\d+$/);
    assert.equal(mount, process.replace('system_r:container_t', 'object_r:container_file_t'));
    // The processes, those of exec too, and what they see.
    const pid = await world.ok(['inspect', '-f', '{{.State.Pid}}', 'first']);
    assert.equal(readFileSync(`/proc/${pid}/attr/current`, 'latin1').replace(/\0$/, ''), process);
    assert.equal((await world.ok(['exec', 'first', ...current])).replace(/\0$/, ''), process);
    const seen = [
      'bin/busybox',
      'dev',
      'dev/shm',
      'dev/mqueue',
      'etc/hosts',
      'written',
      'own/deep/file',
      'new',
      'mine',
    ];
    assert.deepEqual(
      seen.filter((path) => labelOf(`/proc/${pid}/root/${path}`) !== mount),
      [],
    );
    assert.equal(labelOf(`/proc/${pid}/root/proc/1`) !== mount, true);
    assert.deepEqual(
      ['own', 'own/deep', 'own/deep/file', 'own/link', 'new/here'].map(at).map(labelOf),
      Array(5).fill(mount),
    );
    assert.deepEqual([labelOf(at('all')), labelOf(join(world.root, 'volumes/data/_data'))], [shared, shared]);
    for (const name of ['outside', 'none']) assert.doesNotMatch(labelOf(at(name)), /container/);
    // Another container: other categories, but for those whose memory it shares.
    const other = await run(image, ...current);
    assert.match(other, /^system_u:system_r:container_t:s0:c\d+,c\d+$/);
    assert.notEqual(other, process);
    assert.equal(await run('--pid', 'container:first', image, ...current), process);
    // What the options say.
    const label = (...words: string[]): string[] => words.flatMap((word) => ['--security-opt', `label=${word}`]);
    assert.equal(
      await run(...label('type:other_t', 'level:s0:c7,c9'), image, ...current),
      'system_u:system_r:other_t:s0:c7,c9',
    );
    for (const open of [label('disable'), ['--privileged'], ['--pid', 'host']]) {
      assert.match(await run(...open, image, ...current), /:kernel_t:/, open.join(' '));
    }
    await world.ok(['create', '--name', 'typed', ...label('filetype:other_file_t'), image, 'true']);
    assert.match((await labelsOf(world, 'typed')).mount, /^system_u:object_r:other_file_t:s0:c/);
    await world.ok([
      'create',
      '--name',
      'copy',
      '--mount',
      `type=bind,src=${at('own')},dst=/b,relabel=shared`,
      image,
      'true',
    ]);
    await world.ok(['start', '-a', 'copy']);
    assert.equal(labelOf(at('own/deep/file')), shared);
    const refused = await world.onggi(['run', '-v', '/etc:/x:Z', image, 'true']);
    assert.match(refused.stderr, /SELinux relabeling of host path "\/etc" is not allowed/);
    const wrong = await world.onggi(['run', '--rm', ...quiet, ...label('type:nobody_t'), image, 'true']);
    assert.equal(wrong.status, 125, wrong.stderr);
    await checkEnforced(world, at('own'));
    assert.match(await world.ok(['info', '-f', '{{json .SecurityOptions}}']), /"name=selinux"/);
    await world.ok(['rm', '-f', 'first', 'typed', 'copy']);
    await world.ok(['volume', 'rm', 'data', 'mine']);
    // As the machine was: later tests know nothing of it.
    rmSync('/etc/selinux/config');
  },
);

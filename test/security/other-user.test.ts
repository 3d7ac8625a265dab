/** Class O: what another user of the machine tries against root's engine and against its files (the engine, not the runtime). */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { give } from '../../src/engine/volume/give-tree.ts';
import { openRealPlace, realPlace } from '../../src/engine/volume/real-source.ts';
import { binary, systemTest } from '../harness/system-test.ts';

const stranger = 4343;

function asStranger(
  script: string,
  ...args: readonly string[]
): { readonly status: number | null; readonly said: string } {
  const drop = ['--reuid', String(stranger), '--regid', String(stranger), '--clear-groups', '--no-new-privs', '--'];
  const { status, stdout, stderr } = spawnSync('setpriv', [...drop, 'sh', '-c', script, 'sh', ...args], {
    encoding: 'utf8',
    cwd: '/',
  });
  return { status, said: stdout + stderr };
}

/** Whoever may pass through a directory may name what is in it. */
function openWay(path: string): void {
  for (let at = path; at.startsWith('/tmp/'); at = join(at, '..')) chmodSync(at, statSync(at).mode | 0o011);
}

function children(pid: string): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/);
}

systemTest('another user reaches neither the store, nor a container, nor its shim', ['busybox'], async (world) => {
  const { root, image } = world;
  openWay(join(root, '..'));
  await world.ok(['run', '-d', '-i', '--name', 'prey', '-v', 'data:/d', image, 'sh', '-c', 'cat; sleep 1000']);
  const pid = await world.ok(['inspect', '-f', '{{.State.Pid}}', 'prey']);
  const shim =
    readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')[1] ?? '';
  assert.ok(children(shim).includes(pid));
  // Nothing below the root can be named; its modes would not allow it either, were it moved elsewhere.
  assert.notEqual(asStranger('cd "$1"', root).status, 0);
  const modes = (directory: string): string[] =>
    readdirSync(directory, { withFileTypes: true, recursive: true })
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !/\/(?:layers|containers\/\w+\/(?:upper|work)|volumes\/\w+\/_data)\//.test(path))
      .filter((path) => !lstatSync(path).isSymbolicLink() && (statSync(path).mode & 0o022) !== 0);
  assert.deepEqual(modes(root), []);
  for (const directory of ['run/s', 'run/locks', 'containers', 'volumes', 'blobs', 'tmp']) {
    assert.equal(statSync(join(root, directory)).mode & 0o077, 0, directory);
  }
  const deeds = [
    ...['environ', 'mem', 'maps', 'root/', 'cwd/', 'fd/', 'ns/net'].flatMap((file) =>
      [pid, shim].map((process) =>
        /\/$/.test(file) ? `ls /proc/${process}/${file}` : `head -c 1 /proc/${process}/${file}`,
      ),
    ),
    ...[pid, shim].flatMap((process) => [`kill -KILL ${process}`, `kill -STOP ${process}`]),
    ...['cgroup.procs', 'tasks'].map((file) => `echo 0 >"$(echo /sys/fs/cgroup/*/onggi/*/${file} | cut -d ' ' -f 1)"`),
    `nsenter -t ${pid} -m true`,
    ...[
      'ps -a',
      'exec prey true',
      'logs prey',
      'rm -f prey',
      'kill prey',
      'cp prey:/etc/passwd -',
      'system prune -f',
    ].map((words) => `"$2" --root "$1" ${words}`),
    // A store of its own may have the same name in it.
    'HOME=/nonexistent XDG_DATA_HOME="$1" "$2" exec prey true',
  ];
  for (const deed of deeds) assert.notEqual(asStranger(deed, root, binary).status, 0, deed);
  assert.equal(await world.ok(['exec', 'prey', 'echo', 'unharmed']), 'unharmed');
  await world.ok(['rm', '-f', '-v', 'prey']);
  await world.ok(['volume', 'rm', 'data']);
});

systemTest(
  'files that root is asked to write go through no link that another has planted',
  ['busybox'],
  async (world) => {
    const { scratch, image } = world;
    const [trap, victim] = [join(scratch, 'trap'), join(scratch, 'victim')];
    mkdirSync(trap);
    writeFileSync(victim, 'of root');
    chownSync(trap, stranger, stranger);
    const planted = (name: string, target: string): string => {
      symlinkSync(target, join(trap, name));
      return join(trap, name);
    };
    const nowhere = join(scratch, 'nowhere');
    for (const [name, target] of [
      ['cid', victim],
      ['new', nowhere],
    ] as const) {
      const { status, stderr } = await world.onggi(['create', '--cidfile', planted(name, target), image, 'true']);
      assert.equal(status, 1, stderr);
      assert.match(stderr, /container ID file found/);
    }
    await world.ok(['create', '--name', 'some', image, 'true']);
    await world.ok(['export', '-o', planted('export', victim), 'some']);
    await world.ok(['save', '-o', planted('save', victim), image]);
    // Nor into a device, but for a name of one that is root's own.
    lchownSync(planted('device', '/dev/full'), stranger, stranger);
    await world.ok(['save', '-o', join(trap, 'device'), image]);
    for (const name of ['export', 'save', 'device']) assert.ok(lstatSync(join(trap, name)).isFile(), name);
    assert.notEqual((await world.onggi(['save', '-o', '/dev/full', image])).status, 0);
    assert.equal(readFileSync(victim, 'latin1').slice(0, 10), 'of root');
    assert.equal(existsSync(nowhere), false);
    await world.ok(['rm', 'some']);
  },
);

systemTest('U changes nobody else’s files by a directory that has become a link', ['busybox'], async ({ scratch }) => {
  const [top, away, other] = ['top', 'away', 'other'].map((name) => join(scratch, name)) as [string, string, string];
  for (const directory of [top, other]) mkdirSync(join(directory, 'data'), { recursive: true });
  const place = realPlace(join(top, 'data'));
  renameSync(top, away);
  symlinkSync(other, top);
  assert.throws(() => openRealPlace(place), /it was a directory a moment ago/);
  // A link in the tree itself is given, not what it leads to.
  symlinkSync(join(other, 'data'), join(away, 'data/link'));
  using parent = openRealPlace(realPlace(join(away, 'data')));
  give(parent, Buffer.from('data'), { uid: stranger, gid: stranger }, true);
  assert.deepEqual(
    [lstatSync(join(away, 'data/link')).uid, statSync(join(away, 'data')).uid, statSync(join(other, 'data')).uid],
    [stranger, stranger, 0],
  );
});

/** `cp` by the rules of Docker, in and out, running and stopped, streams, mounts, from one container to another. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { systemTest, type World } from '../harness/system-test.ts';

async function fails(world: World, args: readonly string[], message: RegExp): Promise<void> {
  const outcome = await world.onggi(['cp', ...args]);
  assert.equal(outcome.status, 1, `${args.join(' ')}: ${outcome.stdout}${outcome.stderr}`);
  assert.match(outcome.stderr, message, args.join(' '));
}

/** A file with an owner and a set-id bit, a link to it, a directory. */
function sourceIn({ scratch }: World): string {
  const source = join(scratch, 'tree');
  mkdirSync(join(source, 'd'), { recursive: true });
  writeFileSync(join(source, 'f'), 'hi\n');
  chownSync(join(source, 'f'), 77, 88);
  chmodSync(join(source, 'f'), 0o4755);
  symlinkSync('f', join(source, 'l'));
  return source;
}

const look = 'cd /; for each in "$@"; do stat -c "%n %a %u:%g %F" "$each"; done';

systemTest(
  'files and directories are copied into and out of a container as docker does',
  ['busybox'],
  async (world) => {
    const s = sourceIn(world);
    const { scratch, image } = world;
    const cp = (...args: string[]): Promise<string> => world.ok(['cp', ...args]);
    const prepare =
      'mkdir /real; ln -s real /link; ln -s /etc/none /dangling; ln -s /etc/passwd /plink; exec sleep 1000';
    const flags = ['-d', '--network', 'none', '-u', '0', '-v', 'vol:/vol', '--tmpfs', '/tm', '--name', 'c1'];
    for (const name of ['mounted', 'locked']) writeFileSync(join(scratch, name), 'old\n');
    const files = ['-v', `${scratch}/mounted:/mounted`, '-v', `${scratch}/locked:/locked:ro`];
    await world.ok(['run', ...flags, ...files, image, 'sh', '-c', `mkdir -p /etc; ${prepare}`]);
    const inside = (...paths: string[]): Promise<string> => world.ok(['exec', 'c1', 'sh', '-c', look, 'sh', ...paths]);

    await cp(join(s, 'f'), 'c1:f1');
    await cp(join(s, 'f'), 'c1:/link');
    await cp(join(s, 'f'), 'c1:/dangling');
    await cp(s, 'c1:/s1');
    await cp(s, 'c1:/s1');
    await cp(`${s}/.`, 'c1:/s2');
    await cp(`${s}/.`, 'c1:/s2');
    await cp(join(s, 'l'), 'c1:/l1');
    await cp('-L', join(s, 'l'), 'c1:/l2');
    await cp(join(s, 'f'), 'c1:/vol/');
    await cp(join(s, 'f'), 'c1:/tm');
    const names = ['f1', 'real/f', 'etc/none', 's1/f', 's1/tree/f', 's2/f', 's2/d', 'l1', 'l2', 'vol/f', 'tm/f'];
    const file = '4755 77:88 regular file';
    assert.deepEqual((await inside(...names)).split('\n'), [
      ...['f1', 'real/f', 'etc/none', 's1/f', 's1/tree/f', 's2/f'].map((name) => `${name} ${file}`),
      's2/d 755 0:0 directory',
      'l1 777 0:0 symbolic link',
      ...['l2', 'vol/f', 'tm/f'].map((name) => `${name} ${file}`),
    ]);
    // A file that something is mounted on can't be replaced, so it is rewritten; what is mounted there stays.
    const mounts = await world.ok(['exec', 'c1', 'cat', '/proc/self/mountinfo']);
    for (const file of ['/etc/hosts', '/mounted']) {
      await cp(join(s, 'f'), `c1:${file}`);
      assert.equal(await world.ok(['exec', 'c1', 'cat', file]), 'hi');
    }
    assert.equal(readFileSync(join(scratch, 'mounted'), 'utf8'), 'hi\n');
    await fails(world, [join(s, 'l'), 'c1:/mounted'], /cannot replace "\/mounted": something is mounted on it/);
    assert.equal((await world.onggi(['cp', join(s, 'f'), 'c1:/locked'])).status, 1);
    assert.equal(await world.ok(['exec', 'c1', 'cat', '/locked']), 'old');
    assert.equal(await world.ok(['exec', 'c1', 'cat', '/proc/self/mountinfo']), mounts);

    const out = (name: string): string => join(scratch, name);
    await cp('c1:/l1', out('l1'));
    assert.equal(readlinkSync(out('l1')), 'f');
    await cp('-L', 'c1:/dangling', out('l2'));
    const copied = lstatSync(out('l2'));
    // Neither its owner nor its set-id bit, but with -a.
    assert.deepEqual([copied.isFile(), copied.mode & 0o7777, copied.uid], [true, 0o755, 0]);
    await cp('-a', 'c1:/f1', out('f1'));
    const kept = statSync(out('f1'));
    assert.deepEqual([kept.mode & 0o7777, kept.uid, kept.gid], [0o4755, 77, 88]);
    await cp('c1:/link/', out('real'));
    await cp('c1:/s2/.', out('real'));
    assert.deepEqual(readdirSync(out('real')).sort(), ['d', 'f', 'l']);

    await fails(world, ['c1:/nope', scratch], /Could not find the file \/nope in container c1/);
    await fails(world, [join(s, 'f'), 'c1:/nope/x'], /Could not find the file \/nope in container c1/);
    await fails(world, [join(s, 'f'), 'c1:/new/'], /no such directory/);
    await fails(world, [s, 'c1:/f1'], /cannot copy directory/);
    await fails(world, ['c1:/s1', out('f1')], /cannot copy directory/);
    await fails(world, ['c1:/f1', out('no/x')], /invalid output path: directory ".*no" does not exist/);
    await fails(world, ['c1:/f1/.', out('x')], /not a directory/);
    execFileSync('mknod', [join(scratch, 'null'), 'c', '1', '3']);
    symlinkSync('null', join(scratch, 'to-null'));
    for (const device of ['null', 'to-null']) {
      const said = `invalid output path: ".*/${device}" must be a directory or a regular file: got a device`;
      for (const source of ['c1:/f1', 'c1:/s1']) await fails(world, [source, join(scratch, device)], new RegExp(said));
    }
    assert.ok(lstatSync(join(scratch, 'null')).isCharacterDevice());
    await fails(world, ['no-such-file', 'c1:/'], /lstat .*no-such-file: no such file or directory/);
    await fails(world, ['a', 'b'], /must specify at least one container source/);
    await fails(world, ['', 'c1:/'], /source can not be empty/);
    await fails(world, ['none:/f', '.'], /No such container: none/);
    await fails(world, ['c1:/s1', 'c1:/s1/d'], /into itself/);
    mkdirSync(join(scratch, 'clash/f'), { recursive: true });
    await fails(world, [`${scratch}/clash/.`, 'c1:/s2'], /cannot overwrite non-directory "\/s2\/f" with directory/);
  },
);

systemTest(
  'cp takes and gives archives, works on stopped containers and from one to another',
  ['busybox'],
  async (world) => {
    const s = sourceIn(world);
    const { scratch, image } = world;
    const tar = execFileSync('tar', ['-C', scratch, '-c', 'tree']);
    await world.ok(['run', '-d', '--network', 'none', '-v', 'vol:/vol', '--name', 'c1', image, 'sleep', '1000']);
    await world.ok(['create', '--network', 'none', '-v', 'vol:/vol', '-u', '5:6', '--name', 'c2', image, 'true']);
    await world.ok(['create', '--network', 'none', '--read-only', '-v', 'vol:/vol:ro', '--name', 'c3', image, 'true']);
    // What the kernel makes up is none of its files: some of it can't even be read.
    const all = join(scratch, 'all');
    await world.ok(['cp', 'c1:/', all]);
    for (const path of ['proc', 'sys', 'dev']) assert.deepEqual(readdirSync(join(all, path)), [], path);
    assert.ok(readdirSync(join(all, 'bin')).includes('busybox'));
    for (const name of ['c1', 'c2']) {
      await world.ok(['cp', '-', `${name}:/vol`], { input: tar });
      const listing = await world.onggi(['cp', `${name}:/vol/tree/.`, '-']);
      assert.deepEqual(names(listing.stdout), ['./', 'f', 'l', 'd/'], name);
      assert.equal((await world.onggi(['cp', '-', `${name}:/none`], { input: tar })).status, 1);
    }
    for (const program of ['gzip', 'bzip2', 'xz']) {
      const input = execFileSync(program, ['-c'], { input: tar });
      await world.ok(['exec', 'c1', 'mkdir', `/${program}`]);
      await world.ok(['cp', '-', `c1:/${program}`], { input });
      assert.equal(await world.ok(['exec', 'c1', 'cat', `/${program}/tree/f`]), 'hi');
      const cut = await world.onggi(['cp', '-', 'c1:/tmp'], { input: input.subarray(0, -8) });
      assert.equal(cut.status, 1, program);
    }
    // Names that mean something in layers mean nothing here.
    writeFileSync(join(s, '.wh.f'), '');
    await world.ok(['cp', `${s}/.`, 'c1:/vol/tree']);
    await world.ok(['cp', '-a', 'c1:/vol/tree', 'c2:/deep']);
    assert.equal(
      await world.ok(['diff', 'c2']),
      ['A /deep', 'A /deep/.wh.f', 'A /deep/d', 'A /deep/f', 'A /deep/l', 'A /vol'].join('\n'),
    );
    await world.ok(['cp', '-a', 'c2:/deep/f', join(scratch, 'out')]);
    assert.deepEqual([statSync(join(scratch, 'out')).uid, readFileSync(join(scratch, 'out'), 'utf8')], [5, 'hi\n']);
    await fails(world, [join(s, 'f'), 'c3:/x'], /container rootfs is marked read-only/);
    await fails(world, [join(s, 'f'), 'c3:/vol/x'], /mounted volume is marked read-only/);
    assert.equal(await world.ok(['ps', '-aq', '--filter', 'status=running']), (await world.ok(['ps', '-q'])).trim());
  },
);

function names(tar: string): string[] {
  return execFileSync('tar', ['-t'], { input: Buffer.from(tar, 'latin1'), encoding: 'utf8' })
    .trim()
    .split('\n');
}

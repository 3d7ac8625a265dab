/** Binds that pass mounts on to the machine, or get them from it. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { busyboxTar } from '../harness/busybox-image.ts';
import { userId } from '../harness/ordinary-user.ts';
import { ordinaryUserTest } from '../harness/ordinary-user-test.ts';
import { run } from '../harness/program.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import { detached } from './container-view.ts';

const mount = (...words: readonly string[]): void => void execFileSync('mount', words);
const isMounted = (path: string): boolean => spawnSync('mountpoint', ['-q', path]).status === 0;

/** Three mounts, by what they pass on, which are taken off before anybody looks for what is left. */
async function inMounts(directory: string, body: (directory: string) => Promise<void>): Promise<void> {
  const at = (name: string): string => join(directory, name);
  for (const name of ['private', 'shared', 'slave']) mkdirSync(at(name));
  mount('-t', 'tmpfs', 'private', at('private'));
  mount('--make-private', at('private'));
  mount('-t', 'tmpfs', 'shared', at('shared'));
  mount('--make-shared', at('shared'));
  try {
    for (const name of ['private/x', 'shared/x', 'shared/x/in', 'shared/x/out']) mkdirSync(at(name));
    mount('--bind', at('shared'), at('slave'));
    mount('--make-slave', at('slave'));
    await body(directory);
  } finally {
    for (const name of ['slave', 'shared', 'private']) spawnSync('umount', ['-R', '-l', at(name)]);
  }
}

async function refused(world: World, flags: readonly string[], says: RegExp): Promise<void> {
  const { status, stderr } = await world.onggi(['run', '--rm', '--network', 'none', ...flags, world.image, 'true']);
  assert.equal(status, 125, flags.join(' '));
  assert.match(stderr, says, flags.join(' '));
}

systemTest('a bind is shared, or a slave, only of a mount that passes mounts on', ['busybox'], async (world) => {
  await inMounts(world.scratch, async (directory) => {
    const at = (name: string): string => join(directory, name);
    const not = (name: string, point: string, what: string): RegExp =>
      new RegExp(`^onggi: path ${at(name)} is mounted on ${at(point)} but it is not a ${what} mount\nMake it shared`);
    for (const word of ['shared', 'rshared']) {
      await refused(world, ['-v', `${at('private/x')}:/p:${word}`], not('private/x', 'private', 'shared'));
      await refused(world, ['-v', `${at('slave/x')}:/p:${word}`], not('slave/x', 'slave', 'shared'));
    }
    const either = not('private/x', 'private', 'shared or slave');
    for (const word of ['slave', 'rslave']) await refused(world, ['-v', `${at('private/x')}:/p:${word}`], either);
    const source = `type=bind,source=${at('private/x')},target=/p,bind-propagation=slave`;
    await refused(world, ['--mount', source], either);
    // As with Docker, the directory is made before, and a link is where it leads to.
    await refused(world, ['-v', `${at('private/new')}:/p:slave`], not('private/new', 'private', 'shared or slave'));
    symlinkSync(at('private/x'), at('link'));
    await refused(world, ['-v', `${at('link')}:/p:rshared`], not('link', 'private', 'shared'));
    const root = ['run', '--rm', '--network', 'none', '-v', `${at('private/x')}:/p:shared`, '--rootfs', '/', 'true'];
    assert.match((await world.onggi(root)).stderr, not('private/x', 'private', 'shared'));
    for (const [name, word] of [
      ['shared/x', 'shared'],
      ['shared/new', 'rshared'],
      ['shared/x', 'slave'],
      ['slave/x', 'rslave'],
      ['private/x', 'private'],
    ] as const) {
      await world.ok(['run', '--rm', '--network', 'none', '-v', `${at(name)}:/p:${word}`, world.image, 'true']);
    }
    const explained = await world.ok(['run', '--explain', '-v', `${at('shared/x')}:/p:shared`, world.image, 'true']);
    assert.match(explained, /shared\/x on \/p .*opened by the shim/);
    // One that is there already is refused when it starts.
    await world.ok(['create', '--name', 'later', '-v', `${at('shared/x')}:/p:shared`, world.image, 'true']);
    mount('--make-private', at('shared'));
    const late = await world.onggi(['start', 'later']);
    assert.equal(late.status, 1);
    assert.match(late.stderr, not('shared/x', 'shared', 'shared'));
  });
});

systemTest('mounts come in by rslave, and go out by rshared too', ['busybox'], async (world) => {
  await inMounts(world.scratch, async (directory) => {
    const source = join(directory, 'shared/x');
    for (const [word, spreads] of [
      ['rshared', true],
      ['rslave', false],
      ['rprivate', false],
    ] as const) {
      await detached(
        world,
        ['--name', word, '--cap-add', 'SYS_ADMIN', '-v', `${source}:/p:${word}`],
        ['sleep', '1000'],
      );
      mount('-t', 'tmpfs', 'in', join(source, 'in'));
      const seen = await world.ok([
        'exec',
        word,
        'sh',
        '-c',
        'mount -t tmpfs out /p/out; grep -c " /p/in " /proc/mounts; true',
      ]);
      assert.deepEqual([seen, isMounted(join(source, 'out'))], [word === 'rprivate' ? '0' : '1', spreads], word);
      await world.ok(['rm', '-f', word]);
      for (const name of ['in', 'out']) spawnSync('umount', [join(source, name)]);
    }
  });
});

systemTest('what is shared may lie on the mount that the store lies on', ['busybox'], async (world) => {
  const source = join(world.scratch, 'source');
  mkdirSync(join(source, 'out'), { recursive: true });
  const onggi = `${process.env['ONGGI_BINARY'] ?? 'dist/onggi'} --root ${world.root}`;
  const script = `
    ${onggi} run -d --network none --name box --cap-add SYS_ADMIN -v ${source}:/p:rshared ${world.image} sleep 1000
    ${onggi} exec box mount -t tmpfs out /p/out
    grep -c ' ${source}/out ' /proc/self/mountinfo
    ${onggi} rm -f box
    umount ${source}/out
    grep -c ' ${world.scratch}/' /proc/self/mountinfo`;
  const { stdout, stderr } = await run('unshare', ['-m', '--propagation', 'shared', 'sh', '-c', script]);
  assert.equal(stderr, '');
  assert.match(stdout, /^[0-9a-f]{64}\n1\nbox\n0\n$/);
});

ordinaryUserTest('an ordinary user gets mounts of the machine, and can pass none on', {}, async (user, place) => {
  cpSync(await busyboxTar(), join(place, 'busybox.tar'));
  const source = join(user.home, 'source');
  mkdirSync(source);
  chownSync(source, userId, userId);
  /** With what is done first, as root, in the mount namespace of the command. */
  const onggi = (first: string, ...args: string[]) =>
    user.run([join(user.dist, 'onggi'), ...args], `sh -c '${first}; exec "$@"' sh`);
  assert.equal(onggi('true', 'import', '../busybox.tar', 'busybox').status, 0);
  const [own, shared] = [`mount --bind ${source} ${source}`, `mount --make-shared ${source}`];
  const ran = (first: string, word: string) =>
    onggi(
      first,
      'run',
      '--rm',
      '--network',
      'none',
      '-v',
      `${source}:/p:${word}`,
      'busybox',
      'sed',
      '-n',
      '/ .p /p',
      '/proc/self/mountinfo',
    );
  const refused = ran(own, 'rslave');
  assert.equal(refused.status, 125);
  assert.match(refused.stderr, /source is mounted on \S+source but it is not a shared or slave mount\nMake it shared/);
  const taken = ran(`${own} && ${shared}`, 'rslave');
  assert.equal(taken.status, 0, taken.stderr);
  assert.match(taken.stdout, / master:\d+ /);
  const outwards = ran(`${own} && ${shared}`, 'rshared');
  assert.equal(outwards.status, 125);
  assert.match(
    outwards.stderr,
    /source, rshared: mounts of an ordinary user's container can't be passed on.*\nUse rslave/,
  );
});

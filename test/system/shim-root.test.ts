import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { InitStep } from '../../src/runtime/plan/steps.ts';
import { requires } from '../harness/requires.ts';
import { type ContainerWish, flags, follow, inPlace, type Place, runOnce, type Told } from './shim-container.ts';

const needs = requires('root');

async function run(place: Place, wish: ContainerWish): Promise<Told> {
  place.launch(place.plan(wish));
  return await follow(await place.connect());
}

function bind(source: string, target: string, change: Partial<Extract<InitStep, { op: 'bind' }>> = {}): InitStep {
  return {
    op: 'bind',
    source,
    target,
    recursive: true,
    attributes: { set: 0, clear: 0, words: [] },
    propagation: flags('private', 'rec'),
    createSource: false,
    ...change,
  };
}

test('nothing of the host leaks into the container', needs, async () => {
  const told = await runOnce({ argv: ['onggi-probe'] });
  const seen = JSON.parse(told.stdout) as {
    descriptors: Record<string, string>;
    mountinfo: string[];
    env: string[];
    pid: number;
    cwd: string;
    umask: number;
    blockedSignals: string;
    ignoredSignals: string;
    parentDeathSignal: number;
    interfaces: string[];
  };
  assert.deepEqual(Object.keys(seen.descriptors), ['0', '1', '2']);
  assert.equal(seen.descriptors['0'], '/dev/null');
  assert.deepEqual(
    seen.mountinfo.map((line) => line.split(' ')[4]),
    ['/', '/proc', '/dev', '/dev/pts'],
  );
  assert.deepEqual(seen.env, ['PATH=/bin', 'HOME=/root']);
  assert.equal(seen.pid, 1);
  assert.equal(seen.cwd, '/');
  assert.equal(seen.umask, 0o022);
  assert.equal(seen.blockedSignals, '0000000000000000');
  assert.equal(seen.ignoredSignals, '0000000000000000');
  assert.equal(seen.parentDeathSignal, 9);
  assert.equal(seen.interfaces.length, 3);
});

test('the runtime cannot be overwritten from inside', needs, async () => {
  for (const reaper of [false, true]) {
    const told = await runOnce({ argv: ['onggi-probe', 'write-exe'], reaper });
    assert.match(
      told.stdout,
      reaper ? /^\/proc\/1\/exe: (Read-only file system|Permission denied|Text file busy)/ : /Text file busy/,
    );
    assert.doesNotMatch(told.stdout, /opened/);
  }
});

test('volumes appear where they are asked for, made when missing', needs, async () => {
  await inPlace(async (place) => {
    const source = join(place.path, 'volume');
    mkdirSync(join(source, 'sub'), { recursive: true });
    writeFileSync(join(source, 'file'), 'content\n');
    const told = await run(place, {
      argv: ['sh', '-c', 'cat /data/a/file /one/file; touch /data/a/new /ro/x; ls /made; echo $?'],
      mounts: [
        bind(source, '/data/a'),
        bind(join(source, 'file'), '/one/file'),
        bind(source, '/ro', { treeAttributes: { set: 1, clear: 0, words: ['ro'] } }),
        bind(join(place.path, 'fresh/dir'), '/made', { createSource: true }),
      ],
    });
    assert.equal(told.stdout, 'content\ncontent\n0\n');
    assert.match(told.stderr, /\/ro\/x: Read-only file system/);
    assert.deepEqual(readdirSync(source).toSorted(), ['file', 'new', 'sub']);
    assert.ok(existsSync(join(place.path, 'fresh/dir')));
  });
});

test('links of the image lead nowhere but inside', needs, async () => {
  await inPlace(async (place) => {
    const outside = join(place.path, 'outside');
    mkdirSync(outside);
    const source = join(place.path, 'volume');
    mkdirSync(source);
    symlinkSync(outside, join(place.root, 'absolute'));
    symlinkSync(`../../../../../../..${outside}`, join(place.root, 'climbing'));
    symlinkSync('/var/dangling/deep', join(place.root, 'tmp/dangling'));
    symlinkSync('loop', join(place.root, 'loop'));
    const told = await run(place, {
      argv: ['sh', '-c', `grep -c volume /proc/self/mountinfo; ls -d ${outside}/* /var/dangling/deep/x`],
      mounts: [
        bind(source, '/absolute/a'),
        bind(source, '/climbing/c'),
        bind(source, '/tmp/dangling/x'),
        { op: 'mkdir', path: '/absolute/made', mode: 0o700, uid: 1, gid: 2 },
        { op: 'symlink', path: '/climbing/link', target: 'made' },
        { op: 'mknod', path: '/climbing/node', type: 'p', major: 0, minor: 0, mode: 0o600, uid: 0, gid: 0 },
      ],
    });
    assert.deepEqual(readdirSync(outside), []);
    assert.equal(
      told.stdout,
      `3\n${['a', 'c', 'link', 'made', 'node'].map((name) => `${outside}/${name}\n`).join('')}/var/dangling/deep/x\n`,
    );
    const loop = await run(place, { argv: ['true'], mounts: [bind(source, '/loop/x')] });
    assert.equal(loop.fail().errno, 40);
  });
});

test('an attacker who swaps directories and links meanwhile wins nothing', needs, async () => {
  await inPlace(async (place) => {
    const outside = join(place.path, 'outside');
    const source = join(place.path, 'volume');
    mkdirSync(outside);
    mkdirSync(source);
    mkdirSync(join(place.root, 'race/dir'), { recursive: true });
    const swap = `while :; do mv -T dir held; ln -s ${outside} dir; rm dir; mv -T held dir; done`;
    const attacker = spawn('sh', ['-c', swap], { cwd: join(place.root, 'race'), stdio: 'ignore' });
    try {
      let won = 0;
      for (let i = 0; i < 40; i++) {
        const told = await run(place, {
          argv: ['true'],
          mounts: [
            { op: 'mkdir', path: `/race/dir/made${i}`, mode: 0o755, uid: 0, gid: 0 },
            { op: 'symlink', path: `/race/dir/link${i}`, target: 'x' },
            bind(source, `/race/dir/bound${i}`),
          ],
        });
        if (told.exit.exitCode === 0) won++;
      }
      assert.ok(won > 0, 'not one start went through');
    } finally {
      attacker.kill('SIGKILL');
      await once(attacker, 'exit');
    }
    assert.deepEqual(readdirSync(outside), []);
  });
});

test('an image whose /proc or /sys is a link is refused', needs, async () => {
  for (const directory of ['proc', 'sys']) {
    await inPlace(async (place) => {
      mkdirSync(join(place.root, 'tmp/elsewhere'));
      rmSync(join(place.root, directory), { recursive: true });
      symlinkSync('/tmp/elsewhere', join(place.root, directory));
      const type = directory === 'sys' ? 'sysfs' : 'proc';
      const step: InitStep = {
        op: 'mount',
        fstype: type,
        source: type,
        target: `/${directory}`,
        flags: flags('ro'),
        data: '',
        optional: false,
      };
      const told = await run(place, { argv: ['true'], mounts: directory === 'sys' ? [step] : [] });
      assert.equal(told.fail().errno, 40);
      assert.match(told.fail().text, /a symbolic link in the image/);
    });
  }
});

test('nothing is put over parts of /proc', needs, async () => {
  await inPlace(async (place) => {
    const source = join(place.path, 'file');
    writeFileSync(source, 'fake\n');
    for (const target of ['/proc/sys/kernel/core_pattern', '/proc/self/status', '/proc/version']) {
      const told = await run(place, { argv: ['true'], mounts: [bind(source, target)] });
      assert.equal(told.fail().errno, 1, target);
    }
    symlinkSync('/proc/version', join(place.root, 'sneaky'));
    assert.equal((await run(place, { argv: ['true'], mounts: [bind(source, '/sneaky')] })).fail().errno, 1);
    const over = await run(place, { argv: ['true'], mounts: [bind(place.path, '/proc')] });
    assert.equal(over.fail().errno, 1);
    const allowed = await run(place, { argv: ['cat', '/proc/uptime'], mounts: [bind(source, '/proc/uptime')] });
    assert.equal(allowed.stdout, 'fake\n');
  });
});

test('masked and read-only paths are; missing ones are skipped', needs, async () => {
  const mask = (path: string): InitStep => ({ op: 'mask', path });
  const told = await runOnce({
    argv: [
      'sh',
      '-c',
      'wc -c < /proc/keys; ls /proc/scsi /proc/fs; touch /proc/fs/x; echo 1 > /proc/sys/kernel/dmesg_restrict',
    ],
    steps: [
      ...['/proc/keys', '/proc/scsi', '/proc/fs', '/proc/no-such', '/etc/passwd/no'].map(mask),
      { op: 'readonly', path: '/proc/sys' },
      { op: 'readonly', path: '/no/such' },
    ],
  });
  assert.equal(told.stdout.split('\n')[0], '0');
  assert.doesNotMatch(told.stdout, /ext4|nfsd/);
  assert.match(told.stderr, /touch: \/proc\/fs\/x: Read-only file system/);
  assert.match(told.stderr, /dmesg_restrict: Read-only file system/);
});

test('a mask needs the null device, not what the image calls so', needs, async () => {
  for (const lay of ['ln -s /etc/passwd', 'touch', 'mkfifo', 'sh -c \'mknod "$0" c 1 5\'']) {
    await inPlace(async (place) => {
      const fake = join(place.path, 'dev');
      mkdirSync(fake);
      assert.equal(spawnSync('sh', ['-c', `${lay} ${join(fake, 'null')}`]).status, 0);
      const told = await run(place, {
        argv: ['true'],
        mounts: [bind(fake, '/dev')],
        steps: [{ op: 'mask', path: '/proc/keys' }],
      });
      assert.ok([1, 40].includes(told.fail().errno), `${lay}: ${told.fail().errno}`);
      assert.match(told.fail().text, /\/dev\/null/);
    });
  }
});

test('kernel parameters and names are set', needs, async () => {
  const told = await runOnce({
    argv: [
      'sh',
      '-c',
      'cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax; hostname; cat /proc/sys/kernel/domainname; umask; ulimit -n; cat /proc/self/oom_score_adj; pwd',
    ],
    steps: [
      { op: 'sysctl', name: 'net.ipv4.ip_unprivileged_port_start', value: '0' },
      { op: 'sysctl', name: 'kernel/msgmax', value: '4096' },
      { op: 'hostname', name: 'jar' },
      { op: 'domainname', name: 'kiln' },
      { op: 'umask', mask: 0o077 },
      { op: 'rlimit', resource: 7, name: 'nofile', soft: 100n, hard: 200n },
      { op: 'oom-score-adj', value: 500, optional: false },
      { op: 'working-directory', path: '/new/dir', create: true },
    ],
  });
  assert.equal(told.stdout, '0\n4096\njar\nkiln\n0077\n100\n500\n/new/dir\n');
});

for (const name of ['../../etc/passwd', 'net/../../x', 'kernel.no_such']) {
  test(`the kernel parameter "${name}" is refused`, needs, async () => {
    const told = await runOnce({ argv: ['true'], steps: [{ op: 'sysctl', name, value: '1' }] });
    assert.ok([2, 13, 18, 20].includes(told.fail().errno), `${told.fail().errno}`);
    assert.equal(told.record.exitCode, 125);
  });
}

test('what may fail is a warning, told to who comes later too', needs, async () => {
  await inPlace(async (place) => {
    const optional: InitStep = {
      op: 'mount',
      fstype: 'nosuchfs',
      source: 'x',
      target: '/x',
      flags: flags(),
      data: '',
      optional: true,
    };
    place.launch(place.plan({ argv: ['true'], mounts: [optional] }));
    const told = await follow(await place.connect());
    const warnings = told.events.filter((event) => event.type === 'warn');
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]?.type === 'warn' ? warnings[0].text : '', /mount "nosuchfs"/);
    assert.equal(told.exit.exitCode, 0);
  });
});

test('a file system says itself what it did not like', needs, async () => {
  const told = await runOnce({
    argv: ['true'],
    mounts: [
      {
        op: 'mount',
        fstype: 'tmpfs',
        source: 'tmpfs',
        target: '/tmp',
        flags: flags(),
        data: 'size=lots',
        optional: false,
      },
    ],
  });
  assert.match(told.fail().text, /mount "tmpfs" with option "size=lots": tmpfs: Bad value for 'size'/);
  assert.equal(told.fail().phase, 'init');
});

test('the rest of the root: overlay, attributes, new namespaces', needs, async () => {
  await inPlace(async (place) => {
    const odd = join(place.path, 'with,comma:colon');
    for (const name of ['upper', 'work', 'merged']) mkdirSync(join(odd, name), { recursive: true });
    const plan = place.plan({ argv: ['sh', '-c', 'echo new > /file; cat /file; touch /bin/x'] });
    const overlay: InitStep = {
      op: 'overlay',
      directory: place.path,
      lower: ['root'],
      upper: join(odd, 'upper'),
      work: join(odd, 'work'),
      target: join(odd, 'merged'),
      options: [],
      flags: flags('nodev'),
    };
    const init = plan.init.flatMap((step): InitStep[] => {
      if (step.op === 'root-bind') return [overlay];
      if (step.op === 'enter-root') return [{ op: 'enter-root', path: join(odd, 'merged') }];
      return [step];
    });
    place.launch({ ...plan, init });
    const told = await follow(await place.connect());
    assert.equal(told.stdout, 'new\n');
    assert.equal(readFileSync(join(odd, 'upper/file'), 'utf8'), 'new\n');
    assert.equal(existsSync(join(place.root, 'file')), false);
    const readOnly = await run(place, {
      argv: ['touch', '/x'],
      steps: [{ op: 'root-attributes', attributes: { set: 1, clear: 0, words: ['ro'] } }],
    });
    assert.match(readOnly.stderr, /Read-only file system/);
  });
});

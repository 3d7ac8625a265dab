/** onggi-runtime as an ordinary user, beside runc. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Spec } from '../../src/oci/runtime-spec.ts';
import { layOut } from '../harness/busybox-image.ts';
import { findLeaks, snapshot } from '../harness/leaks.ts';
import { lockMachine } from '../harness/machine-lock.ts';
import { firstSubId, makeUser, type OrdinaryUser, type Ran, userId } from '../harness/ordinary-user.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';

type World = OrdinaryUser & {
  readonly bundle: string;
  readonly onggi: (...args: string[]) => Ran;
  readonly ok: (...args: string[]) => string;
  /** What `spec --rootless` wrote, changed. */
  readonly configure: (change: (spec: Spec) => Spec) => void;
};

async function inWorld(subIds: boolean, body: (world: World) => void): Promise<void> {
  await lockMachine();
  const before = snapshot();
  await using scratch = makeScratch();
  const user = makeUser(scratch.path, { subIds });
  const bundle = join(user.home, 'bundle');
  mkdirSync(bundle);
  layOut(join(bundle, 'rootfs'));
  spawnSync('chown', ['-R', '-h', `${userId}:${userId}`, bundle]);
  const onggi = (...args: string[]): Ran => user.run([join(user.dist, 'onggi-runtime'), ...args]);
  const ok = (...args: string[]): string => {
    const { status, stdout, stderr } = onggi(...args);
    assert.equal(status, 0, `${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  ok('spec', '--rootless', '--bundle', bundle);
  const made = JSON.parse(user.run(['cat', join(bundle, 'config.json')]).stdout) as Spec;
  const configure = (change: (spec: Spec) => Spec): void =>
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(change(made)));
  body({ ...user, bundle, onggi, ok, configure });
  const leaks = await findLeaks(before);
  assert.deepEqual(leaks, [], `left behind:\n${leaks.join('\n')}`);
}

/** The command without a terminal. */
const running =
  (args: readonly string[], process: Partial<Spec['process']> = {}, linux: Spec['linux'] = {}) =>
  (spec: Spec): Spec => ({
    ...spec,
    process: { cwd: '/', user: { uid: 0, gid: 0 }, ...spec.process, terminal: false, args, ...process },
    linux: { ...spec.linux, ...linux },
  });

const rootless = (title: string, subIds: boolean, body: (world: World, context: TestContext) => void): void =>
  void test(title, requires('root', 'newuidmap', 'runc', 'busybox'), (context) =>
    inWorld(subIds, (world) => body(world, context)),
  );

/** What of itself must be the same under both. */
const look = `id -u; id -g; id -G; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups
  grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status; hostname; ls /dev /sys /proc/self/ns
  cut -d ' ' -f 5,9 /proc/self/mountinfo | sort; touch /x && stat -c %u:%g:%a /x /dev/null; rm /x
  mknod /y c 1 3 2>&1; cat /proc/sys/kernel/ostype; echo 1 > /proc/sys/kernel/panic; cat /proc/kcore | head -c 1 | wc -c`;

rootless('what spec --rootless writes runs, and sees what it sees under runc', false, (world) => {
  world.configure(running(['sh', '-c', `(${look}) 2>&1`]));
  const theirs = world.run(['runc', 'run', '--bundle', world.bundle, 'theirs']);
  assert.equal(theirs.status, 0, theirs.stderr);
  const ours = world.onggi('run', '--bundle', world.bundle, 'ours');
  assert.equal(ours.status, 0, ours.stderr);
  // onggi links /dev/core, which the specification does not ask for and most engines make.
  const lines = (text: string): string[] => text.split('\n').filter((line) => line !== 'core');
  assert.deepEqual(lines(ours.stdout), lines(theirs.stdout));
  assert.match(ours.stdout, new RegExp(`^0\\n0\\n.*\\n\\s+0\\s+${userId}\\s+1\\n\\s+0\\s+${userId}\\s+1\\ndeny\\n`));
  assert.equal(ours.stderr, '');
});

rootless('a range of ids is mapped by newuidmap, and the container lives as any other', true, (world) => {
  const mappings = [
    { containerID: 0, hostID: userId, size: 1 },
    { containerID: 1, hostID: firstSubId, size: 65_536 },
  ];
  const user = { uid: 1000, gid: 1000, additionalGids: [5, 50] };
  world.configure(running(['sh', '-c', 'cat; sleep 60'], { user }, { uidMappings: mappings, gidMappings: mappings }));
  world.ok('create', '--bundle', world.bundle, 'c');
  const { pid } = JSON.parse(world.ok('state', 'c')) as { pid: number };
  world.ok('start', 'c');
  const status = world.run(['cat', `/proc/${pid}/status`]).stdout;
  const host = firstSubId + 999;
  assert.match(status, new RegExp(`^Uid:\\t${host}\\t${host}\\t${host}\\t${host}$`, 'm'));
  assert.match(status, new RegExp(`^Groups:\\t${firstSubId + 4} ${firstSubId + 49} $`, 'm'));
  const seen = world.ok('exec', 'c', 'sh', '-c', 'id -u; cat /proc/self/uid_map /proc/self/setgroups');
  assert.equal(seen.replace(/ +/g, ' '), `1000\n 0 ${userId} 1\n 1 ${firstSubId} 65536\nallow\n`);
  assert.match(world.ok('exec', '--user', '0', 'c', 'id', '-u'), /^0$/m);
  assert.match(world.ok('list'), /^c +\d+ +running/m);
  // Nobody else looks into the state.
  const root = join(world.home, '../run/onggi-runtime');
  for (const name of ['', ...readdirSync(root)]) {
    const { mode, uid } = statSync(join(root, name));
    if ((mode & 0o170000) === 0o040000) assert.deepEqual([mode & 0o777, uid], [0o700, userId], name);
  }
  world.ok('kill', 'c', 'KILL');
  world.ok('delete', '--force', 'c');
  assert.equal(world.onggi('state', 'c').status, 1);
});

rootless('what an ordinary user may not is refused in words', false, (world) => {
  const failure = (change: (spec: Spec) => Spec): string => {
    world.configure(change);
    const { status, stderr } = world.onggi('run', '--bundle', world.bundle, 'c');
    assert.notEqual(status, 0);
    return stderr;
  };
  const mappings = [{ containerID: 0, hostID: firstSubId, size: 1000 }];
  const others = { uidMappings: mappings, gidMappings: mappings };
  assert.match(failure(running(['true'], {}, others)), /map ids by "\/usr\/bin\/newuidmap": .*newuidmap/);
  const root = [{ containerID: 0, hostID: 0, size: 1 }];
  assert.match(failure(running(['true'], {}, { uidMappings: root, gidMappings: root })), /map ids by/);
  const shared = (spec: Spec): Spec => ({
    ...spec,
    linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }, { type: 'uts' }], uidMappings: [], gidMappings: [] },
  });
  assert.match(
    failure((spec) => shared(running(['true'])(spec))),
    /a container needs one of type "user"/,
  );
  assert.equal(world.ok('list', '--quiet'), '');
});

rootless('limits that nobody permits are named once, and the container runs', false, (world) => {
  world.configure(running(['true'], {}, { resources: { memory: { limit: 64 << 20 }, pids: { limit: 20 } } }));
  const { status, stderr } = world.onggi('run', '--bundle', world.bundle, 'c');
  assert.equal(status, 0, stderr);
  assert.match(stderr, /no permission to make a cgroup: not limited: .*memory.*/);
});

rootless('root of a user namespace in which setgroups is denied runs containers', false, (world) => {
  const map = [{ containerID: 0, hostID: 0, size: 1 }];
  world.configure(running(['cat', '/proc/self/setgroups'], {}, { uidMappings: map, gidMappings: map }));
  const program = join(world.dist, 'onggi-runtime');
  const ran = world.run(['unshare', '--map-root-user', program, 'run', '--bundle', world.bundle, 'onggi-inner']);
  assert.equal(ran.stdout, 'deny\n', ran.stderr);
});

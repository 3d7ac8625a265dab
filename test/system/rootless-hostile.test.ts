/** What others on the machine, and containers, try against an ordinary user and beyond (THREATS, classes I and O). */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Spec } from '../../src/oci/runtime-spec.ts';
import { busyboxTar, layOut } from '../harness/busybox-image.ts';
import { firstSubId, type OrdinaryUser, type Ran, userId } from '../harness/ordinary-user.ts';
import { ordinaryUserTest } from '../harness/ordinary-user-test.ts';

const other = 4343;

function ownedBy(uid: number, ...paths: string[]): void {
  const { status, stderr } = spawnSync('chown', ['-R', '-h', `${uid}:${uid}`, ...paths]);
  assert.equal(status, 0, String(stderr));
}

/** A bundle that `spec --rootless` wrote for the user, with another command and whatever `change` does. */
function makeBundle(
  { home, dist, run }: OrdinaryUser,
  args: readonly string[],
  change = (spec: Spec): Spec => spec,
): string {
  const bundle = join(home, 'bundle');
  mkdirSync(bundle);
  layOut(join(bundle, 'rootfs'));
  ownedBy(userId, bundle);
  assert.equal(run([join(dist, 'onggi-runtime'), 'spec', '--rootless', '--bundle', bundle]).status, 0);
  const spec: Spec = JSON.parse(run(['cat', join(bundle, 'config.json')]).stdout);
  const process = { cwd: '/', user: { uid: 0, gid: 0 }, ...spec.process, terminal: false, args };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(change({ ...spec, process })));
  return bundle;
}

/** A process of the user's that must live on. */
function bystander(): Disposable & { readonly pid: number; isAlive(): boolean } {
  const child = spawn('sleep', ['60'], { uid: userId, gid: userId, stdio: 'ignore' });
  return {
    pid: child.pid ?? 0,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  };
}

function forgedState(pid: number): string {
  const startTime = spawnSync('awk', ['{print $22}', `/proc/${pid}/stat`], { encoding: 'utf8' }).stdout.trim();
  const init = { pid, startTime };
  const common = { ociVersion: '1.2.0', bundle: '/', rootfs: '/', annotations: {}, created: new Date().toISOString() };
  const cgroup = { unified: null, legacy: [] };
  const flags = { sharedPids: false, poststart: false, poststop: false, notify: false };
  return JSON.stringify({ id: 'c', ...common, owner: userId, cgroup, ...flags, maker: null, init });
}

ordinaryUserTest('records that another could write are not believed', {}, (user, place) => {
  using victim = bystander();
  const bundle = makeBundle(user, ['true']);
  const runtimeDirectory = join(place, 'run');
  const root = join(runtimeDirectory, 'onggi-runtime');
  const plant = (directory: string, owner: number, mode: number): void => {
    mkdirSync(join(directory, 'c'), { recursive: true });
    writeFileSync(join(directory, 'c/state.json'), forgedState(victim.pid));
    writeFileSync(join(directory, 'c/lock'), '');
    ownedBy(owner, directory);
    for (const path of [directory, join(directory, 'c')]) chmodSync(path, mode);
  };
  /** Each call has to fail with the one message. */
  const script = `for call in 'kill c KILL' 'delete --force c' 'state c' list 'exec c true' "create -b $2 d" "run -b $2 d"; do
    $1 $call 2>&1 && echo "$call: done"
  done`;
  const refused = (): void => {
    const { stdout } = user.run(['sh', '-c', script, 'sh', join(user.dist, 'onggi-runtime'), bundle]);
    const said = stdout
      .trim()
      .split('\n')
      .filter((line) => !line.startsWith('Name a directory'));
    assert.equal(said.length, 7, stdout);
    for (const line of said) assert.match(line, /root directory ".*": (?:its owner is|it is no directory)/);
    assert.ok(victim.isAlive());
  };
  // In a sticky directory, as XDG_RUNTIME_DIR=/tmp is.
  plant(root, other, 0o755);
  refused();
  // The user's own, but open to all.
  spawnSync('rm', ['-r', root]);
  plant(root, userId, 0o777);
  refused();
  // A link to another's, and one to the user's own elsewhere, which may point to another one in the next moment.
  spawnSync('rm', ['-r', root]);
  const theirs = join(place, 'theirs');
  plant(theirs, other, 0o755);
  symlinkSync(theirs, root);
  refused();
  ownedBy(userId, theirs);
  refused();
});

ordinaryUserTest(
  'newuidmap that refuses, or was never given its privilege: in its words, and nothing is left',
  {},
  (user, place) => {
    const mappings = [
      { containerID: 0, hostID: userId, size: 1 },
      { containerID: 1, hostID: firstSubId, size: 65_536 },
    ];
    const maps = { uidMappings: mappings, gidMappings: mappings };
    const bundle = makeBundle(user, ['true'], (spec) => ({ ...spec, linux: { ...spec.linux, ...maps } }));
    const instead = join(place, 'newuidmap');
    const around = `sh -ec 'mount --bind ${instead} /usr/bin/newuidmap; exec "$@"' sh`;
    const failure = (): string => {
      const { status, stderr } = user.run([join(user.dist, 'onggi-runtime'), 'run', '--bundle', bundle, 'c'], around);
      assert.notEqual(status, 0);
      assert.deepEqual(readdirSync(join(place, 'run/onggi-runtime')), []);
      return stderr;
    };
    copyFileSync('/usr/bin/newuidmap', instead);
    chmodSync(instead, 0o755);
    assert.match(failure(), /map ids by "\/usr\/bin\/newuidmap": newuidmap: .*Operation not permitted/);
    writeFileSync(instead, '#!/bin/sh\necho "not today" >&2\nexit 1\n');
    assert.match(failure(), /map ids by "\/usr\/bin\/newuidmap": not today/);
    writeFileSync(instead, 'no program');
    assert.match(failure(), /map ids by "\/usr\/bin\/newuidmap"/);
    // One that says yes and maps nothing.
    writeFileSync(instead, '#!/bin/sh\nexit 0\n');
    assert.match(failure(), /become root in the user namespace|map ids by/);
  },
);

/** Each line tries something that root of the machine alone may do, and prints what it got. */
const attempts = `
cat /host/etc/shadow 2>/dev/null && echo READ
touch /host/etc/onggi-was-here 2>/dev/null && echo WRITTEN
chown 0:0 /host/tmp 2>/dev/null && echo GIVEN
echo '0 0 1' >/proc/self/uid_map 2>/dev/null && echo MAPPED
unshare -U -r sh -c 'cat /host/etc/shadow' 2>/dev/null && echo NESTED
mknod /disk b 8 0 2>/dev/null && echo DEVICE
mount -o remount,rw /host/proc 2>/dev/null && echo REMOUNTED
echo core >/host/proc/sys/kernel/core_pattern 2>/dev/null && echo PATTERN
echo 1 >/host/proc/sys/kernel/sysrq 2>/dev/null && echo SYSRQ
echo x >/proc/sysrq-trigger 2>/dev/null && echo TRIGGERED
insmod /host/x.ko 2>/dev/null && echo MODULE
hwclock -w 2>/dev/null && echo CLOCK
kill -0 -1 2>/dev/null; cp /bin/busybox /shared/root && chown 0:0 /shared/root && chmod 4755 /shared/root && echo made
`;

ordinaryUserTest(
  'root of a privileged container is its user, and never more',
  { needs: ['overlay'] },
  async (user, place) => {
    cpSync(await busyboxTar(), join(place, 'busybox.tar'));
    chmodSync(join(place, 'busybox.tar'), 0o644);
    mkdirSync(join(user.home, 'shared'));
    chownSync(join(user.home, 'shared'), userId, userId);
    const onggi = (...args: string[]): Ran => user.run([join(user.dist, 'onggi'), ...args]);
    assert.equal(onggi('import', '../busybox.tar', 'busybox').status, 0);
    const volumes = ['-v', '/:/host', '-v', `${user.home}/shared:/shared`];
    const { stdout, stderr } = onggi(
      'run',
      '--rm',
      '--privileged',
      '--network',
      'none',
      ...volumes,
      'busybox',
      'sh',
      '-c',
      attempts,
    );
    assert.deepEqual(stdout.trim().split('\n'), ['made'], stderr);
    // What is set-user-id root inside makes nobody root outside.
    assert.equal(statSync(join(user.home, 'shared/root')).uid, userId);
  },
);

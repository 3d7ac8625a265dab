/** What a container shares with the machine, and how it is protected: each flag, seen from inside. */
import assert from 'node:assert/strict';
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { systemTest, type World } from '../harness/system-test.ts';
import { inspect } from './container-view.ts';

function run(world: World, flags: readonly string[], ...command: string[]): Promise<string> {
  return world.ok(['run', '--rm', '--network', 'none', ...flags, world.image, ...command]);
}

async function refused(world: World, flags: readonly string[], message: RegExp, status = 125): Promise<void> {
  const outcome = await world.onggi(['run', '--rm', '--network', 'none', ...flags, world.image, 'true']);
  assert.equal(outcome.status, status, `${flags.join(' ')}: ${outcome.stdout}${outcome.stderr}`);
  assert.match(outcome.stderr, message);
}

systemTest('namespaces of the machine, one by one', ['busybox'], async (world) => {
  const link = (name: string) => ['readlink', `/proc/self/ns/${name}`];
  for (const [flag, name] of [
    ['--pid', 'pid'],
    ['--ipc', 'ipc'],
    ['--uts', 'uts'],
    ['--cgroupns', 'cgroup'],
  ] as const) {
    const own = readlinkSync(`/proc/self/ns/${name}`);
    assert.equal(await run(world, [flag, 'host'], ...link(name)), own, flag);
    assert.notEqual(await run(world, [], ...link(name)), own, flag);
  }
  assert.equal(await run(world, ['--uts', 'host'], 'hostname'), hostname());
  assert.equal(await run(world, ['--ipc', 'none'], 'sh', '-c', 'grep -c /dev/shm /proc/mounts; true'), '0');
  await refused(world, ['--uts', 'host', '--hostname', 'x'], /conflicting options: hostname and the UTS mode/);
  for (const flag of ['--pid', '--ipc', '--uts', '--cgroupns']) await refused(world, [flag, 'nosuch'], /nosuch/);
});

systemTest(
  'a container with the pid namespace of the machine ends with all it has started',
  ['busybox'],
  async (world) => {
    const sleep = ['sh', '-c', 'sleep 1000 & echo $!; wait'];
    const id = await world.ok(['run', '-d', '--network', 'none', '--pid', 'host', world.image, ...sleep]);
    const logs = async (): Promise<string> => await world.ok(['logs', id]);
    while ((await logs()) === '') await new Promise((resolve) => setTimeout(resolve, 20));
    const child = await logs();
    assert.match(readFileSync(`/proc/${child}/cmdline`, 'utf8'), /sleep/);
    await world.ok(['rm', '-f', id]);
    assert.throws(() => process.kill(Number(child), 0), { code: 'ESRCH' });
  },
);

systemTest('privileges: no new ones, filters, paths', ['busybox'], async (world) => {
  const status = (field: string) => ['sed', '-n', `s/^${field}:\\s*//p`, '/proc/self/status'];
  assert.equal(await run(world, ['--security-opt', 'no-new-privileges'], ...status('NoNewPrivs')), '1');
  assert.equal(await run(world, ['--security-opt', 'no-new-privileges=false'], ...status('NoNewPrivs')), '0');
  assert.equal(await run(world, ['--security-opt', 'seccomp=unconfined'], ...status('Seccomp')), '0');
  const profile = join(world.scratch, 'profile.json');
  const rules = [
    { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 },
    { names: ['chmod', 'fchmodat', 'fchmodat2'], action: 'SCMP_ACT_ERRNO', includes: { caps: ['CAP_SYS_ADMIN'] } },
    { names: ['chown', 'fchownat', 'lchown'], action: 'SCMP_ACT_ERRNO', excludes: { caps: ['CAP_SYS_ADMIN'] } },
    { names: ['symlink', 'symlinkat'], action: 'SCMP_ACT_ERRNO', includes: { minKernel: '99.0' } },
  ];
  writeFileSync(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: rules }));
  const custom = ['--security-opt', `seccomp=${profile}`];
  const tries =
    'mkdir /d 2>&1; chmod 700 /tmp && echo chmod; chown 1 /tmp 2>/dev/null || echo no chown; ln -s a /l && echo link';
  assert.match(await run(world, custom, 'sh', '-c', tries), /No space left on device\nchmod\nno chown\nlink$/);
  await refused(world, ['--security-opt', 'seccomp=/nonexistent'], /\/nonexistent/);
  writeFileSync(profile, '{"defaultAction":"SCMP_ACT_NONE"}');
  await refused(world, custom, /SCMP_ACT_NONE/);
  writeFileSync(profile, '{');
  await refused(world, custom, /not JSON/);
  const look = ['sh', '-c', 'wc -c </proc/keys; touch /proc/sys/kernel/domainname 2>/dev/null && echo writable; true'];
  assert.equal((await run(world, [], ...look)).includes('writable'), false);
  assert.match(await run(world, ['--security-opt', 'systempaths=unconfined'], ...look), /writable$/);
  const masked = await run(world, ['--security-opt', 'mask=/proc/version'], 'wc', '-c', '/proc/version');
  assert.match(masked, /^0 /);
  const bytes = await run(
    world,
    ['--security-opt', 'unmask=/proc/timer_list'],
    'sh',
    '-c',
    'ls -l /proc/timer_list | cut -c1',
  );
  assert.equal(bytes, '-');
  await refused(world, ['--security-opt', 'foo'], /invalid --security-opt: "foo"/);
});

systemTest('groups, shared memory, devices, names', ['busybox'], async (world) => {
  assert.equal(await run(world, ['-u', '5:6', '--group-add', '7', '--group-add', '8'], 'id', '-G'), '6 7 8');
  await refused(world, ['--group-add', 'nosuch'], /nosuch/);
  assert.match(await run(world, ['--shm-size', '1m'], 'grep', ' /dev/shm ', '/proc/mounts'), /size=1024k/);
  assert.match(await run(world, ['--device', '/dev/full:/dev/mine:r'], 'ls', '-l', '/dev/mine'), /^crw.* 1, +7 /);
  const kmsg = [
    'sh',
    '-c',
    'head -c 1 /dev/kmsg >/dev/null 2>&1 && echo read; echo x >/dev/kmsg 2>/dev/null || echo no write',
  ];
  assert.match(await run(world, ['--device', '/dev/kmsg:r', '--cap-add', 'SYSLOG'], ...kmsg), /no write/);
  await refused(world, ['--device', '/dev/nosuch'], /"\/dev\/nosuch": no such file or directory/, 127);
  await refused(world, ['--device', '/dev/full:/dev/x:q'], /invalid device mode: q/);
  const hosts = await run(world, ['--add-host', 'db:10.9.8.7', '--add-host', 'me:host-gateway'], 'cat', '/etc/hosts');
  assert.match(hosts, /^10\.9\.8\.7\tdb\n127\.0\.0\.1\tme$/m);
  const resolv = await run(
    world,
    ['--dns', '9.9.9.9', '--dns-search', 'a.example', '--dns-opt', 'ndots:3'],
    'cat',
    '/etc/resolv.conf',
  );
  assert.match(resolv, /^nameserver 9\.9\.9\.9$/m);
  assert.doesNotMatch(resolv, /nameserver (?!9\.9\.9\.9)/);
  assert.match(resolv, /^search a\.example$/m);
  assert.match(resolv, /^options ndots:3$/m);
  const id = await world.ok([
    'create',
    '--annotation',
    'a=b',
    '--shm-size',
    '2m',
    '--group-add',
    '9',
    '--pid',
    'host',
    world.image,
    'true',
  ]);
  const { HostConfig } = await inspect(world, id);
  const { Annotations, ShmSize, GroupAdd, PidMode } = HostConfig as Record<string, unknown>;
  assert.deepEqual([Annotations, ShmSize, GroupAdd, PidMode], [{ a: 'b' }, 2097152, ['9'], 'host']);
  await world.ok(['rm', id]);
});

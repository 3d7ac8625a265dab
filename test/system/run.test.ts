/**
 * `onggi run`: what runs, as whom, where and with which limits. Each answer was compared with that of docker 28.2 and
 * dockerd 20.10 for the same words.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemTest, type World } from '../harness/system-test.ts';
import { detached, inspect, linesOf, reportOf, shell } from './container-view.ts';

/** A run that must fail before the command runs: nothing on stdout, one clear message, no container left. */
async function refused(world: World, args: readonly string[], status: number, message: RegExp): Promise<void> {
  const outcome = await world.onggi(['run', '--rm', '--network', 'none', ...args]);
  const said = `run ${args.join(' ')}: ${outcome.status} ${outcome.stdout}${outcome.stderr}`;
  assert.equal(outcome.status, status, said);
  assert.match(outcome.stderr, message, said);
  assert.equal(outcome.stdout, '', said);
}

systemTest('the exit status is the command’s own', ['busybox'], async (world) => {
  for (const [line, status] of [
    ['exit 0', 0],
    ['exit 42', 42],
    ['exit 255', 255],
    // 128 and signal, as a shell passes the death of its child on.
    ["sh -c 'kill -9 $$'; exit $?", 137],
    ["sh -c 'kill -15 $$'; exit $?", 143],
  ] as const) {
    const outcome = await world.onggi(['run', '--rm', '--network', 'none', world.image, 'sh', '-c', line]);
    assert.deepEqual([outcome.status, outcome.stdout], [status, ''], line);
  }
});

systemTest('a command that can’t run: 127, 126, and 125 for what is onggi’s part', ['busybox'], async (world) => {
  const { image } = world;
  await refused(world, [image, 'nosuch'], 127, /^onggi: exec: "nosuch": executable file not found in \$PATH\n/);
  await refused(world, [image, '/no/such'], 127, /^onggi: exec: "\/no\/such": no such file or directory\n/);
  await refused(world, [image, ''], 127, /^onggi: exec: "": executable file not found in \$PATH\n/);
  await refused(world, [image, '/etc/passwd'], 126, /^onggi: exec: "\/etc\/passwd": permission denied\n/);
  await refused(world, [image, '/etc'], 126, /^onggi: exec: "\/etc": permission denied\n/);
  await refused(world, [image], 125, /^onggi: no command specified/);
  await refused(world, ['--entrypoint', '', image], 125, /^onggi: no command specified/);
  await refused(
    world,
    ['--nosuch', image, 'true'],
    125,
    /^onggi: unknown flag: --nosuch\n[\s\S]*Run 'onggi run --help'/,
  );
  await refused(world, ['--pull', 'never', 'nosuch', 'true'], 125, /No such image: nosuch/);
  const foreign = ['--pull', 'never', '--platform', 'linux/s390x', image, 'true'];
  await refused(world, foreign, 125, /found, but not for the platform linux\/s390x\n/);
  await refused(world, ['--name', 'a b', image, 'true'], 125, /^onggi: Invalid container name \(a b\), only \[/);
  await refused(world, ['--cap-add', 'NOSUCH', image, 'true'], 125, /^onggi: capability "NOSUCH": no such capability/);
  await refused(world, ['--stop-signal', 'NOSUCH', image, 'true'], 125, /^onggi: .*"NOSUCH"/);
  // What it needs of the machine is not there: 127, as with Docker.
  await refused(world, ['--sysctl', 'net.no.such=1', image, 'true'], 127, /"net\/no\/such" to "1": no such file/);
  await refused(
    world,
    ['--sysctl', 'kernel.msgmax=x', image, 'true'],
    125,
    /"kernel\/msgmax" to "x": invalid argument/,
  );
  await refused(world, ['-v', '/proc/1/nosuch:/x', image, 'true'], 127, /"\/proc\/1\/nosuch": no such file/);
  await refused(world, ['--tmpfs', '/proc/nosuch', image, 'true'], 127, /"\/proc\/nosuch": no such file/);
  assert.equal(await world.ok(['ps', '-aq']), '');
});

systemTest(
  'a script without an interpreter can’t run, one with a missing one is missing',
  ['busybox'],
  async (world) => {
    writeFileSync(join(world.scratch, 'bare'), 'echo hello\n', { mode: 0o755 });
    writeFileSync(join(world.scratch, 'lost'), '#!/no/such\n', { mode: 0o755 });
    const mount = ['-v', `${world.scratch}/bare:/bare`, '-v', `${world.scratch}/lost:/lost`];
    await refused(world, [...mount, world.image, '/bare'], 126, /^onggi: exec: "\/bare": exec format error\n/);
    await refused(world, [...mount, world.image, '/lost'], 127, /^onggi: exec: "\/lost": no such file or directory\n/);
  },
);

systemTest('a container that did not start stays, and says why', ['busybox'], async (world) => {
  const { status } = await world.onggi(['run', '-d', '--name', 'failed', '--network', 'none', world.image, 'nosuch']);
  assert.equal(status, 127);
  const { State } = await inspect(world, 'failed');
  assert.deepEqual([State.Status, State.ExitCode, State.Pid], ['created', 127, 0]);
  assert.match(State.Error, /exec: "nosuch": executable file not found in \$PATH/);
  // As with Docker it is only run that tells of the command by its status.
  assert.equal((await world.onggi(['start', '-a', 'failed'])).status, 1);
});

systemTest('the environment: defaults, -e, the caller’s, --env-file', ['busybox'], async (world) => {
  const file = join(world.scratch, 'env');
  writeFileSync(file, '# comment\n\nA=from file\nB=from file\nGIVEN\nABSENT\nempty=\nwith=a=b # no comment\n');
  const flags = ['--env-file', file, '-e', 'A=from flag', '-e', 'GIVEN', '-e', 'ABSENT', '--env', 'x=1', '-h', 'jar'];
  const args = ['run', '--rm', '--network', 'none', ...flags, world.image, 'onggi-probe'];
  const outcome = await world.onggi(args, { env: { GIVEN: 'by the caller', ABSENT: undefined, OTHER: 'secret' } });
  assert.equal(outcome.status, 0, outcome.stderr);
  assert.deepEqual(
    new Set(JSON.parse(outcome.stdout).env),
    new Set([
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'HOSTNAME=jar',
      'HOME=/root',
      'A=from flag',
      'B=from file',
      'GIVEN=by the caller',
      'empty=',
      'with=a=b # no comment',
      'x=1',
    ]),
  );
  const own = await reportOf(world, ['-e', 'PATH=/bin', '-e', 'HOME=/mine', '-e', 'HOSTNAME=mine']);
  assert.deepEqual(new Set(own.env), new Set(['PATH=/bin', 'HOME=/mine', 'HOSTNAME=mine']));
});

systemTest('the working directory is made when it is missing', ['busybox'], async (world) => {
  assert.equal((await reportOf(world, [])).cwd, '/');
  assert.equal((await reportOf(world, ['-w', '/www'])).cwd, '/www');
  assert.equal(
    await shell(world, ['-w', '/made/for/this'], 'pwd; stat -c "%a %u:%g" . ..'),
    '/made/for/this\n755 0:0\n755 0:0',
  );
  // For the user that enters it, too, as Docker does: the directory itself stays root's.
  assert.equal(await shell(world, ['-u', 'app', '-w', '/for/app'], 'pwd; stat -c %u .'), '/for/app\n0');
  await refused(world, ['-w', 'rel', world.image, 'true'], 125, /working directory "rel" is invalid, .* absolute path/);
  await refused(world, ['-w', '/etc/passwd', world.image, 'true'], 125, /"\/etc\/passwd": not a directory/);
});

systemTest('the user: names, numbers, groups', ['busybox'], async (world) => {
  const who = async (user: string) => {
    const { uids, gids, groups, env } = await reportOf(world, ['-u', user]);
    return { uids, gids, groups, home: env.find((each) => each.startsWith('HOME=')) };
  };
  const identity = (uid: number, gid: number, groups: readonly number[], home: string) => ({
    uids: [uid, uid, uid],
    gids: [gid, gid, gid],
    groups,
    home: `HOME=${home}`,
  });
  assert.deepEqual(await who('root'), identity(0, 0, [0], '/root'));
  assert.deepEqual(await who('app'), identity(1000, 1000, [50, 1000], '/tmp'));
  assert.deepEqual(await who('1000'), identity(1000, 1000, [50, 1000], '/tmp'));
  assert.deepEqual(await who('app:staff'), identity(1000, 50, [50], '/tmp'));
  assert.deepEqual(await who('1234'), identity(1234, 0, [0], '/'));
  assert.deepEqual(await who('1234:50'), identity(1234, 50, [50], '/'));
  assert.deepEqual(await who('0:4321'), identity(0, 4321, [4321], '/root'));
  assert.deepEqual(await who('2147483647:2147483647'), identity(2147483647, 2147483647, [2147483647], '/'));
});

systemTest('a user that is not there, or no number of one, is refused', ['busybox'], async (world) => {
  const { image } = world;
  await refused(world, ['-u', 'nobody9', image, 'true'], 125, /user "nobody9" is not in the container's \/etc\/passwd/);
  await refused(world, ['-u', '0:none9', image, 'true'], 125, /group "none9" is not in the container's \/etc\/group/);
  // Numbers that would wrap to root, or to anybody else, in 32 bits (CVE-2024-40635).
  for (const number of ['2147483648', '4294967295', '4294967296', '18446744073709551616', '9'.repeat(40)]) {
    await refused(world, ['-u', number, image, 'true'], 125, /is not between 0 and 2147483647/);
    await refused(world, ['-u', `0:${number}`, image, 'true'], 125, /is not between 0 and 2147483647/);
  }
  // Docker takes "+0" for a number; onggi does not.
  for (const strange of ['-1', '0x0', '+0', ' 0', '1e3', '0:-1', '0:0x0']) {
    await refused(world, ['-u', strange, image, 'true'], 125, /is not in the container's \/etc\/(passwd|group)/);
  }
});

systemTest('the entrypoint is given, or taken away', ['busybox'], async (world) => {
  const run = (...args: string[]) => world.ok(['run', '--rm', '--network', 'none', ...args]);
  assert.equal(await run('--entrypoint', 'echo', world.image, 'a', 'b'), 'a b');
  assert.equal(await run('--entrypoint', '', world.image, 'echo', 'plain'), 'plain');
  assert.equal(await run(world.image, 'echo', '-n', '--', '--rm'), '-- --rm');
});

systemTest('host names, and the files that hold them', ['busybox'], async (world) => {
  const files = 'hostname; cat /etc/hostname; cat /etc/hosts';
  const [name, file, ...hosts] = linesOf(await shell(world, ['--hostname', 'jar', '--domainname', 'clay.test'], files));
  assert.deepEqual([name, file], ['jar', 'jar']);
  assert.match(hosts.join('\n'), /^127\.0\.0\.1\s+localhost$/m);
  const id = await world.ok(['create', '--name', 'own', '--network', 'none', world.image, 'hostname']);
  assert.equal(await world.ok(['start', '-a', 'own']), id.slice(0, 12));
  assert.equal((await reportOf(world, ['--domainname', 'clay.test'])).domainname, 'clay.test');
  // The machine's network comes with the machine's name.
  const own = readFileSync('/proc/sys/kernel/hostname', 'utf8').trim();
  assert.equal(await world.ok(['run', '--rm', '--network', 'host', world.image, 'hostname']), own);
  await refused(
    world,
    ['--hostname', 'a'.repeat(65), world.image, 'true'],
    125,
    /hostname "a+": it has more than 64 bytes/,
  );
});

systemTest('resource limits of the process', ['busybox'], async (world) => {
  const { rlimits } = await reportOf(world, [
    ...['--ulimit', 'nofile=100:200', '--ulimit', 'core=0', '--ulimit', 'nproc=50'],
    ...['--ulimit', 'fsize=4096:8192'],
  ]);
  assert.deepEqual(
    [rlimits['nofile'], rlimits['core'], rlimits['nproc'], rlimits['fsize']],
    [
      [100, 200],
      [0, 0],
      [50, 50],
      [4096, 8192],
    ],
  );
  await refused(
    world,
    ['--ulimit', 'nofile=200:100', world.image, 'true'],
    125,
    /soft limit must be less than or equal to hard limit: 200 > 100/,
  );
  await refused(world, ['--ulimit', 'nosuch=1', world.image, 'true'], 125, /invalid ulimit type: nosuch/);
});

systemTest('kernel parameters of the container, never of the host', ['busybox'], async (world) => {
  const forwarding = readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8');
  const flags = [
    ...['--sysctl', 'net.ipv4.ip_forward=0', '--sysctl', 'kernel.shmmax=1000000'],
    ...['--sysctl', 'net.core.somaxconn=77', '--sysctl', 'kernel.msgmax=4000'],
  ];
  const read = 'cd /proc/sys && cat net/ipv4/ip_forward kernel/shmmax net/core/somaxconn kernel/msgmax';
  assert.deepEqual(linesOf(await shell(world, flags, read)), ['0', '1000000', '77', '4000']);
  assert.equal(readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8'), forwarding);
  const refuse = async (name: string, message: RegExp, ...flags: string[]) =>
    await refused(world, ['--sysctl', name, ...flags, world.image, 'true'], 125, message);
  await refuse('kernel.sysrq=1', /"kernel.sysrq": it belongs to no namespace, it would change the host/);
  await refuse('vm.overcommit_memory=1', /it belongs to no namespace/);
  await refuse('kernel.core_pattern=|/bin/sh', /it belongs to no namespace/);
  await refuse('net.ipv4.ip_forward=abc', /net\/ipv4\/ip_forward.*invalid argument/);
  await refuse('net.ipv4/../../kernel.sysrq=1', /sysctl/);
  await refuse('net/../kernel/sysrq=1', /sysctl/);
  // The two CVE-2022-0811 shapes: a second parameter in the value of a harmless one.
  await refuse('kernel.shm_rmid_forced=1+kernel.core_pattern=|/x', /kernel\/shm_rmid_forced/);
  const shared = ['run', '--rm', '--network', 'host', '--sysctl', 'net.ipv4.ip_forward=1', world.image, 'true'];
  const outcome = await world.onggi(shared);
  assert.equal(outcome.status, 125);
  assert.match(outcome.stderr, /the container shares the host's net namespace/);
});

systemTest('names, labels, cidfile', ['busybox'], async (world) => {
  const cidfile = join(world.scratch, 'cid');
  const labels = ['-l', 'a=1', '--label', 'b'];
  const id = await detached(world, ['--name', 'named', '--cidfile', cidfile, ...labels], ['true']);
  assert.match(id, /^[0-9a-f]{64}$/);
  assert.equal(readFileSync(cidfile, 'utf8'), id);
  const found = await inspect(world, 'named');
  assert.equal(found.Id, id);
  assert.equal(found.Name, '/named');
  assert.deepEqual(found.Config['Labels'], { a: '1', b: '' });
  await refused(world, ['--cidfile', cidfile, world.image, 'true'], 125, /cid/);
  await detached(world, [], ['true']);
  const names = linesOf(await world.ok(['ps', '-a', '--format', '{{.Names}}']));
  assert.equal(names.length, 2);
  assert.match(names.find((name) => name !== 'named') ?? '', /^[a-z]+_[a-z]+[0-9]*$/);
});

systemTest('--rm leaves nothing, in the foreground and in the background', ['busybox'], async (world) => {
  await world.ok(['run', '--rm', '--network', 'none', world.image, 'true']);
  assert.equal(await world.ok(['ps', '-aq']), '');
  const id = await detached(world, ['--rm'], ['onggi-probe', 'sleep']);
  assert.equal(await world.ok(['ps', '-q', '--no-trunc']), id);
  await world.ok(['stop', '-t', '0', id]);
  assert.equal(await world.ok(['ps', '-aq']), '');
});

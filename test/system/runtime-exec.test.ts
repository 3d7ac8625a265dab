/** exec of onggi-runtime: every flag, process.json, terminals, descriptors. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Spec } from '../../src/oci/runtime-spec.ts';
import { repository } from '../harness/busybox-image.ts';
import { eventually, run, start } from '../harness/program.ts';
import { type RuntimeWorld, runtimeBinary, runtimeTest } from '../harness/runtime-test.ts';

const id = 'onggi-exec';

async function inContainer(world: RuntimeWorld, body: () => Promise<void>): Promise<void> {
  await world.detached(id, { args: ['sleep', '100'] });
  await body();
  await world.ok(['delete', '-f', id]);
}

runtimeTest('exec passes stdio and ends with the status of the command', [], async (world) => {
  await inContainer(world, async () => {
    const outcome = await world.runtime(['exec', id, 'sh', '-c', 'cat; echo err >&2; exit 7'], { input: 'in' });
    assert.deepEqual(outcome, { status: 7, signal: null, stdout: 'in', stderr: 'err\n' });
    assert.equal((await world.runtime(['exec', id, 'sh', '-c', 'kill -9 $$'])).status, 137);
  });
});

runtimeTest('each flag of exec changes what it names', [], async (world) => {
  await inContainer(world, async () => {
    const flags = ['-u', '5:6', '-g', '9', '--additional-gids=10', '-e', 'A=b', '--env', 'C=d', '--cwd', '/tmp'];
    const said = await world.ok(['exec', ...flags, id, 'sh', '-c', 'id -u; id -g; id -G; echo $A $C; pwd']);
    assert.equal(said, '5\n6\n6 9 10\nb d\n/tmp\n');
    const status = (...more: string[]) =>
      world.ok(['exec', ...more, id, 'grep', '-E', '^(CapBnd|CapEff|NoNewPrivs)', '/proc/self/status']);
    assert.equal(await status(), 'CapEff:\t0000000000000020\nCapBnd:\t0000000000000020\nNoNewPrivs:\t1\n');
    assert.match(await status('--cap', 'CAP_NET_RAW'), /CapEff:\t0000000000002020\nCapBnd:\t0000000000002020/);
    assert.match(await status('--no-new-privs=false'), /NoNewPrivs:\t0/);
    // Scripts pass what they have: an empty value is none.
    const empty = ['-u', '', '--cwd', '', '--apparmor', '', '--process-label', '', '-p', '', '--pid-file', ''];
    assert.equal(await world.ok(['exec', ...empty, id, 'sh', '-c', 'id -u; pwd']), '0\n/\n');
  });
});

runtimeTest('exec by process.json is what the file says', [], async (world) => {
  await inContainer(world, async () => {
    const file = join(world.scratch, 'process.json');
    writeFileSync(
      file,
      JSON.stringify({
        user: { uid: 7, gid: 8 },
        args: ['sh', '-c', 'id -u; pwd; echo $X'],
        cwd: '/tmp',
        env: ['PATH=/bin', 'X=y'],
      }),
    );
    assert.equal(await world.ok(['exec', '--process', file, id]), '7\n/tmp\ny\n');
    writeFileSync(file, JSON.stringify({ user: { uid: 0, gid: 0 }, args: 'sh', cwd: '/' }));
    const { status, stderr } = await world.runtime(['exec', '-p', file, id]);
    assert.equal(status, 255);
    assert.match(stderr, /args: "sh" is not a list/);
  });
});

runtimeTest('a command that can not be executed gives 255 and is named', [], async (world) => {
  await inContainer(world, async () => {
    for (const [args, message] of [
      [['nonexistent'], /exec failed: .*"nonexistent": executable file not found in \$PATH/],
      [['/etc/passwd'], /exec failed: .*"\/etc\/passwd": permission denied/],
      [[], /process args cannot be empty/],
    ] as const) {
      const { status, stderr } = await world.runtime(['exec', id, ...args]);
      assert.equal(status, 255);
      assert.match(stderr, message);
    }
    const { stderr } = await world.runtime(['exec', '--cwd', '/nonexistent', id, 'true']);
    assert.match(stderr, /\/nonexistent/);
  });
});

runtimeTest('exec --detach leaves the process, whose id is in the pid file', [], async (world) => {
  await inContainer(world, async () => {
    const file = join(world.scratch, 'pid');
    await run('sh', [
      '-c',
      '"$@" >/dev/null 2>&1 </dev/null',
      '--',
      runtimeBinary,
      '--root',
      world.root,
      'exec',
      '-d',
      '--pid-file',
      file,
      id,
      'sleep',
      '55',
    ]);
    const pid = readFileSync(file, 'utf8');
    assert.match(pid, /^\d+$/);
    assert.equal(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), 'sleep\x0055\x00');
    assert.ok(JSON.parse(await world.ok(['ps', '-f', 'json', id])).includes(Number(pid)));
  });
});

runtimeTest('a terminal goes to the console socket', ['python3'], async (world) => {
  const script = join(repository, 'test/conformance/console.py');
  const socket = join(world.scratch, 'console');
  await inContainer(world, async () => {
    const console = start('python3', [script, socket]);
    await console.printed(/listening/);
    await world.ok(['exec', '-d', '-t', '--console-socket', socket, id, 'sh', '-c', 'tty; stty size']);
    assert.match((await console.outcome).stdout, /\/dev\/pts\/0\r\n24 80\r\n/);
    for (const [flags, message] of [
      [['-d', '-t'], /needs a console socket/],
      [['--console-socket', socket], /goes with a terminal and --detach/],
      [['-d', '-t', '--console-socket', `${socket}-none`], /console-none/],
    ] as const) {
      const { status, stderr } = await world.runtime(['exec', ...flags, id, 'true']);
      assert.equal(status, 255);
      assert.match(stderr, message);
    }
  });
});

runtimeTest('descriptors are preserved by number, LISTEN_FDS only for whom it is meant', [], async (world) => {
  const script = 'for fd in 3 4 5; do [ -e /proc/self/fd/$fd ] && cat <&$fd; done; echo "$LISTEN_FDS $LISTEN_PID"';
  const bundle = world.bundle({ args: ['sh', '-c', script] });
  const files = ['a', 'b'].map((name) => join(world.scratch, name));
  for (const file of files) writeFileSync(file, `${file.at(-1)}\n`);
  const shell = async (environment: string, ...flags: string[]) => {
    const words = [runtimeBinary, '--root', world.root, ...flags].map((word) => `'${word}'`).join(' ');
    return await run('sh', ['-c', `exec 3<${files[0]} 4<${files[1]}; ${environment} exec ${words}`]);
  };
  const runs = ['run', '-b', bundle];
  assert.equal((await shell('', ...runs, 'onggi-fds')).stdout, ' \n');
  assert.equal((await shell('', ...runs, '--preserve-fds', '2', 'onggi-fds')).stdout, 'a\nb\n \n');
  assert.equal((await shell('LISTEN_FDS=1 LISTEN_PID=$$', ...runs, 'onggi-fds')).stdout, 'a\n1 1\n');
  assert.equal(
    (await shell('LISTEN_FDS=1 LISTEN_PID=$$', ...runs, '--preserve-fds=1', 'onggi-fds')).stdout,
    'a\nb\n1 1\n',
  );
  assert.equal((await shell('LISTEN_FDS=1 LISTEN_PID=1', ...runs, 'onggi-fds')).stdout, ' \n');
  const missing = await shell('', ...runs, '--preserve-fds', '3', 'onggi-fds');
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /--preserve-fds 3: descriptor 5 is not open/);
  await inContainer(world, async () => {
    const said = await shell('', 'exec', '--preserve-fds', '1', id, 'sh', '-c', 'cat <&3; ls /proc/self/fd | wc -l');
    // 0, 1, 2, 3 and the directory that ls reads.
    assert.equal(said.stdout, 'a\n5\n');
  });
});

runtimeTest('exec enters the cgroup of the container, or one below it', ['cgroup-v1'], async (world) => {
  await inContainer(world, async () => {
    const { pid } = await world.state(id);
    const memory = /^\d+:memory:(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';
    const root = '/sys/fs/cgroup/memory';
    const own = /^\d+:memory:(.*)$/m;
    assert.equal(own.exec(await world.ok(['exec', id, 'cat', '/proc/self/cgroup']))?.[1], memory);
    await run('mkdir', [`${root}${memory}/sub`]);
    assert.ok(existsSync(`${root}${memory}/sub`));
    const below = await world.ok(['exec', '--cgroup', 'memory:sub', id, 'cat', '/proc/self/cgroup']);
    assert.equal(own.exec(below)?.[1], `${memory}/sub`);
    assert.notEqual((await world.runtime(['exec', '--cgroup', 'memory:none', id, 'true'])).status, 0);
    assert.match((await world.runtime(['exec', '--cgroup', '../x', id, 'true'])).stderr, /not of the form/);
  });
});

runtimeTest('exec in a paused container waits for its resume', [], async (world) => {
  await inContainer(world, async () => {
    await world.ok(['pause', id]);
    const waiting = world.start(['exec', '--ignore-paused', id, 'echo', 'done']);
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(waiting.output().stdout, '');
    await world.ok(['resume', id]);
    assert.equal((await waiting.outcome).stdout, 'done\n');
  });
});

/** Of /proc/keys (proc(5)) the serial number and the name of the session keyring, which only who has joined it may see. */
const ownKeyring = "awk '/ _ses[.]onggi/ { print $1, $9 }' /proc/keys";

runtimeTest('exec joins the session keyring of the container, which is nobody else’s', [], async (world) => {
  const args = ['sh', '-c', `${ownKeyring}; sleep 100`];
  const first = await world.detached(id, { args });
  await eventually('it has printed', async () => readFileSync(first, 'utf8').endsWith('\n'));
  const [, mine] = /^(\w{8} _ses\.onggi-exec\.[0-9a-f]{16}):/.exec(readFileSync(first, 'utf8')) ?? [];
  assert.ok(mine !== undefined, readFileSync(first, 'utf8'));
  for (const user of ['0', '1000']) {
    const seen = await world.ok(['exec', '-u', user, id, 'sh', '-c', ownKeyring]);
    assert.equal(seen.split(':')[0], mine, `user ${user}`);
  }
  const other = 'onggi-other';
  const seen = await world.ok(['run', '--bundle', world.bundle({ args: ['sh', '-c', ownKeyring] }), other]);
  assert.match(seen, /^\w{8} _ses\.onggi-other\.[0-9a-f]{16}:/);
  await world.ok(['delete', '-f', id]);
  await world.detached(id, { args: ['sleep', '100'] }, ['--no-new-keyring']);
  assert.doesNotMatch(await world.ok(['exec', id, 'cat', '/proc/keys']), /_ses\.onggi-exec/);
  await world.ok(['delete', '-f', id]);
});

runtimeTest('without a limit of open files of its own a container has that of the caller', [], async (world) => {
  const limited = async (args: readonly string[]): Promise<string> => {
    const words = ['-c', 'ulimit -Sn 321; exec "$@"', '--', ...world.command, ...args];
    const { stdout, stderr } = await run('sh', words);
    return stdout + stderr;
  };
  const args = ['sh', '-c', 'ulimit -Sn'];
  assert.equal(await limited(['run', '--bundle', world.bundle({ args }), id]), '321\n');
  await inContainer(world, async () => assert.equal(await limited(['exec', id, ...args]), '321\n'));
});

runtimeTest('exec has the personality of the container', [], async (world) => {
  const edit = (spec: Spec): Spec => ({ ...spec, linux: { ...spec.linux, personality: { domain: 'LINUX32' } } });
  await world.detached(id, { args: ['sleep', '100'], edit });
  assert.match(await world.ok(['exec', id, 'uname', '-m']), /^(?:i686|armv8l)\n$/);
  await world.ok(['delete', '-f', id]);
});

runtimeTest('exec is filtered as the container is, by what was compiled for it and anew', [], async (world) => {
  const seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW' as const,
    syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' as const, errnoRet: 42 }],
  };
  const edit = (spec: Spec): Spec => ({ ...spec, linux: { ...spec.linux, seccomp } });
  await world.detached(id, { args: ['sleep', '100'], edit });
  const refused = async () => {
    const { status, stderr } = await world.runtime(['exec', id, 'mkdir', '/tmp/x']);
    assert.equal(status, 1);
    assert.match(stderr, /No message of desired type/);
  };
  await refused();
  rmSync(join(world.root, id, 'exec.json'));
  await refused();
  await world.ok(['delete', '-f', id]);
});

runtimeTest('a signal to exec goes to its process, and exec ends as that does', [], async (world) => {
  await inContainer(world, async () => {
    const script = 'trap "exit 9" TERM; echo up; while :; do sleep 0.02; done';
    const exec = world.start(['exec', id, 'sh', '-c', script]);
    await exec.printed(/up/);
    exec.child.kill('SIGTERM');
    assert.equal((await exec.outcome).status, 9);
  });
});

runtimeTest('run and exec have the memory policy of config.json', [], async (world) => {
  const memoryPolicy = { mode: 'MPOL_BIND', nodes: '0' };
  const edit = (spec: Spec): Spec => ({ ...spec, linux: { ...spec.linux, memoryPolicy } });
  const show = ['grep', '-m1', '-o', 'bind:0', '/proc/self/numa_maps'];
  const bundle = world.bundle({ args: show, edit });
  if (!existsSync('/proc/self/numa_maps')) {
    // A kernel without NUMA has no policies: it is said, not passed over.
    assert.match((await world.runtime(['run', '-b', bundle, id])).stderr, /memory policy "MPOL_BIND 0"/);
    return;
  }
  assert.equal(await world.ok(['run', '-b', bundle, id]), 'bind:0\n');
  await world.detached(id, { args: ['sleep', '100'], edit });
  assert.equal(await world.ok(['exec', id, ...show]), 'bind:0\n');
  await world.ok(['delete', '-f', id]);
});

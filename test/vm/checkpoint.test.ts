/** Checkpoint and restore by criu(8), on a kernel that Debian's criu works with (boot.ts). */
import assert from 'node:assert/strict';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Spec } from '../../src/oci/runtime-spec.ts';
import { probePath } from '../harness/busybox-image.ts';
import { eventually, run, start } from '../harness/program.ts';
import { type BundleWish, type RuntimeWorld, runtimeTest } from '../harness/runtime-test.ts';

/** Counts in memory; what it shows is where it is. */
const counting = 'i=0; while :; do i=$((i+1)); echo $i >/tmp/n.new; mv /tmp/n.new /tmp/n; sleep 0.1; done';

/** Runs a container whose stdio is nothing of the host's. @returns its bundle */
async function detach(world: RuntimeWorld, id: string, wish: BundleWish): Promise<string> {
  const bundle = world.bundle(wish);
  await silent(world, ['run', '--detach', '--bundle', bundle, id]);
  return bundle;
}

/** What a container inherits is /dev/null: pipes to this test would be waited for. */
async function silent(world: RuntimeWorld, args: readonly string[]): Promise<void> {
  const log = join(world.scratch, 'log');
  const script = 'exec "$@" </dev/null >/dev/null 2>&1';
  const { status } = await run('sh', ['-c', script, '--', ...world.command, '--log', log, ...args]);
  assert.equal(status, 0, `${args.join(' ')}: ${existsSync(log) ? readFileSync(log, 'utf8') : ''}`);
}

/** @returns what is printed in the end */
async function refused(world: RuntimeWorld, args: readonly string[]): Promise<string> {
  const { status, stderr } = await world.runtime(args);
  assert.equal(status, 1, `${args.join(' ')}: ${stderr}`);
  return stderr;
}

/** Where the counter is, seen from outside. */
async function count(world: RuntimeWorld, id: string): Promise<number> {
  const { pid } = await world.state(id);
  const path = `/proc/${pid}/root/tmp/n`;
  await eventually(`${id} counts`, () => existsSync(path));
  return Number(readFileSync(path, 'utf8'));
}

async function goesOn(world: RuntimeWorld, id: string, from: number): Promise<void> {
  await eventually(`${id} counts on`, async () => (await count(world, id)) > from + 1);
}

async function end(world: RuntimeWorld, id: string): Promise<void> {
  await world.ok(['kill', id, 'KILL']);
  await world.reaches(id, 'stopped');
  await world.ok(['delete', id]);
}

/** Lines of /proc/PID/status that say what a process may do. */
function privileges(pid: number): string {
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n');
  return lines.filter((line) => /^(Cap|Seccomp|NoNewPrivs|Uid|Gid|Groups)/.test(line)).join('\n');
}

function withProcess(change: Partial<NonNullable<Spec['process']>>, linux: Spec['linux'] = {}) {
  return (spec: Spec): Spec => ({
    ...spec,
    process: { ...spec.process, ...change } as NonNullable<Spec['process']>,
    linux: { ...spec.linux, ...linux },
  });
}

const denying = {
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names: ['swapon'], action: 'SCMP_ACT_ERRNO' }],
} as const;

runtimeTest('a container goes on where its checkpoint was made, as confined as before', [], async (world) => {
  const [id, images, work] = ['onggi-c', join(world.scratch, 'images'), join(world.scratch, 'work')];
  const data = join(world.scratch, 'data');
  mkdirSync(data);
  writeFileSync(join(data, 'file'), 'of the host');
  const confine = withProcess(
    { user: { uid: 33, gid: 33, additionalGids: [44] }, capabilities: { bounding: ['CAP_KILL'] } },
    {
      seccomp: denying,
      maskedPaths: ['/proc/kcore', '/proc/scsi'],
      readonlyPaths: ['/proc/sys'],
      resources: { memory: { limit: 64 << 20 }, pids: { limit: 33 }, devices: [{ allow: false, access: 'rwm' }] },
    },
  );
  const edit = (spec: Spec): Spec => {
    const bind = { destination: '/data', type: 'bind', source: data, options: ['rbind', 'ro'] };
    return confine({ ...spec, mounts: [...(spec.mounts ?? []), bind] });
  };
  const bundle = await detach(world, id, { args: ['sh', '-c', counting], edit });
  const before = privileges((await world.state(id)).pid);
  assert.match(before, /^Seccomp:\t2$/m);
  await goesOn(world, id, 2);
  await world.ok(['checkpoint', '--image-path', images, '--work-path', work, id]);
  assert.match(await refused(world, ['state', id]), /does not exist/);
  assert.ok(existsSync(join(work, 'dump.log')) && !existsSync(join(images, 'dump.log')));

  const pidFile = join(world.scratch, 'pid');
  await silent(world, [
    'restore',
    '-d',
    '-b',
    bundle,
    '--pid-file',
    pidFile,
    '--image-path',
    images,
    '--work-path',
    work,
    id,
  ]);
  const { status, pid } = await world.state(id);
  assert.deepEqual([status, readFileSync(pidFile, 'utf8')], ['running', String(pid)]);
  await goesOn(world, id, 3);
  assert.equal(privileges(pid), before);
  const inside = 'cat /data/file; cat /proc/kcore | wc -c; hostname; (: >/data/x) 2>/dev/null || echo read-only';
  assert.equal(await world.ok(['exec', id, 'sh', '-c', inside]), 'of the host0\nbundle\nread-only\n');
  const cgroup = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().replace('0::', '/sys/fs/cgroup');
  assert.match(cgroup, /\/onggi-c$/);
  assert.equal(readFileSync(`${cgroup}/memory.max`, 'utf8'), `${64 << 20}\n`);
  assert.equal(readFileSync(`${cgroup}/pids.max`, 'utf8'), '33\n');
  await world.ok(['pause', id]);
  assert.equal((await world.state(id)).status, 'paused');
  assert.match(await refused(world, ['checkpoint', '--image-path', images, id]), /it is paused, not running/);
  await world.ok(['resume', id]);
  await end(world, id);
});

runtimeTest('one that is left running, by a memory dump before; its copy goes on beside it', [], async (world) => {
  const [id, images] = ['onggi-c', join(world.scratch, 'images')];
  const bundle = await detach(world, id, { args: ['sh', '-c', counting] });
  await goesOn(world, id, 1);
  await world.ok(['checkpoint', '--pre-dump', '--image-path', join(world.scratch, 'before'), id]);
  await goesOn(world, id, await count(world, id));
  await world.ok(['checkpoint', '--leave-running', '--image-path', images, '--parent-path', '../before', id]);
  const at = await count(world, id);
  await goesOn(world, id, at);
  await silent(world, ['restore', '-d', '-b', bundle, '--image-path', images, 'onggi-copy']);
  await goesOn(world, 'onggi-copy', 1);
  for (const one of [id, 'onggi-copy']) {
    assert.match(readFileSync(`/proc/${(await world.state(one)).pid}/cgroup`, 'utf8'), new RegExp(`/${one}$`, 'm'));
  }
  await goesOn(world, id, at + 2);
  await end(world, 'onggi-copy');
  await end(world, id);
  for (const path of ['/tmp/x', '../../etc', 'a/../..']) {
    const found = await refused(world, ['checkpoint', '--image-path', images, '--parent-path', path, 'onggi-none']);
    assert.match(found, path.startsWith('/') ? /not relative to the image path/ : /does not exist/);
  }
});

runtimeTest('open connections and locks of files go on where that was asked for', [], async (world) => {
  const [id, images] = ['onggi-c', join(world.scratch, 'images')];
  const script = [
    "nc -l -p 7000 -e sh -c 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.2; done' &",
    '(until cat /proc/net/tcp* | grep -q ":1B58 "; do sleep 0.1; done',
    'sleep 1000 | nc 127.0.0.1 7000 >/tmp/got) &',
    'onggi-probe lock /tmp/lock',
  ].join('\n');
  const bundle = await detach(world, id, { args: ['sh', '-c', script] });
  const { pid } = await world.state(id);
  const got = (of: number): string => readFileSync(`/proc/${of}/root/tmp/got`, 'utf8');
  await eventually('something is sent', () => existsSync(`/proc/${pid}/root/tmp/got`) && got(pid).includes('2\n'));
  assert.match(await refused(world, ['checkpoint', '--image-path', images, id]), /criu failed: .*(lock|tcp)/i);
  assert.equal((await world.state(id)).status, 'running');
  await world.ok(['checkpoint', '--tcp-established', '--file-locks', '--image-path', images, id]);
  const flags = ['-d', '-b', bundle, '--tcp-established', '--file-locks', '--image-path', images];
  await silent(world, ['restore', ...flags, id]);
  const restored = (await world.state(id)).pid;
  const sent = got(restored);
  await eventually('more is sent', () => got(restored).length > sent.length + 4);
  assert.ok(got(restored).startsWith('1\n2\n3\n'), got(restored));
  assert.equal((await world.runtime(['exec', id, 'onggi-probe', 'lock', '/tmp/lock'])).stdout, 'taken\n');
  await end(world, id);
});

runtimeTest('in the foreground, with the status of the command; and in a network of others', [], async (world) => {
  const [id, images] = ['onggi-c', join(world.scratch, 'images')];
  const other = start('unshare', ['--net', 'sh', '-c', 'echo made; exec sleep 1000']);
  try {
    await other.printed(/made/);
    const edit = (spec: Spec): Spec => {
      const others = (spec.linux?.namespaces ?? []).filter(({ type }) => type !== 'network');
      const network = { type: 'network', path: `/proc/${other.pid}/ns/net` } as const;
      return { ...spec, linux: { ...spec.linux, namespaces: [...others, network] } };
    };
    const script = 'until [ -e /tmp/go ]; do sleep 0.1; done; exit 7';
    const bundle = await detach(world, id, { args: ['sh', '-c', script], edit });
    await world.ok(['checkpoint', '--image-path', images, id]);
    const restored = world.start(['restore', '-b', bundle, '--image-path', images, id]);
    await eventually('it is restored', async () => (await world.runtime(['state', id])).stdout.includes('"running"'));
    const { pid } = await world.state(id);
    const networkOf = (process: number): string => readlinkSync(`/proc/${process}/ns/net`);
    assert.equal(networkOf(pid), networkOf(other.pid));
    writeFileSync(`/proc/${pid}/root/tmp/go`, '');
    assert.equal((await restored.outcome).status, 7);
    assert.match(await refused(world, ['state', id]), /does not exist/);
  } finally {
    other.child.kill('SIGKILL');
    await other.outcome;
  }
});

/** Waits for somebody who listens there. */
async function listening(port: number): Promise<void> {
  const line = new RegExp(`:${port.toString(16).toUpperCase().padStart(4, '0')} 0{8}:0000 0A `);
  await eventually(`port ${port} is open`, () => line.test(readFileSync('/proc/net/tcp', 'utf8')));
}

runtimeTest('pages that a page server takes, and pages that follow when they are asked for', [], async (world) => {
  const [id, copy] = ['onggi-c', 'onggi-copy'];
  const [pages, images] = [join(world.scratch, 'pages'), join(world.scratch, 'images')];
  const [lazy, work] = [join(world.scratch, 'lazy'), join(world.scratch, 'work')];
  for (const directory of [pages, work]) mkdirSync(directory);
  const bundle = await detach(world, id, { args: ['sh', '-c', counting] });
  await goesOn(world, id, 1);
  const at = ['--address', '127.0.0.1', '--port'];
  const server = start('criu', ['page-server', '--images-dir', pages, ...at, '27001', '--log-file', 'server.log']);
  await listening(27001);
  const left = ['checkpoint', '--leave-running', '--image-path', images];
  await world.ok([...left, '--page-server', '127.0.0.1:27001', id]);
  assert.equal((await server.outcome).status, 0);
  const held = (directory: string): boolean => readdirSync(directory).some((name) => /^pages-\d+\.img$/.test(name));
  assert.deepEqual([held(pages), held(images)], [true, false], readdirSync(pages).join(' '));

  const flags = ['--lazy-pages', '--image-path', lazy];
  const dump = world.start(['checkpoint', ...flags, '--page-server', '127.0.0.1:27002', id]);
  const ended = dump.outcome.then(({ stderr }) => assert.fail(`it ends before its pages are asked for: ${stderr}`));
  await Promise.race([listening(27002), ended]);
  ended.catch(() => {});
  const places = ['--images-dir', lazy, '--work-dir', work, '--log-file', 'lazy.log'];
  const daemon = start('criu', ['lazy-pages', '--page-server', ...at, '27002', ...places]);
  const accepting = / 00010000 .*lazy-pages\.socket$/m;
  await eventually('the pages can be asked for', () => accepting.test(readFileSync('/proc/net/unix', 'utf8')));
  await silent(world, ['restore', '-d', '-b', bundle, ...flags, '--work-path', work, copy]);
  assert.deepEqual([(await daemon.outcome).status, (await dump.outcome).status], [0, 0]);
  assert.match(await refused(world, ['state', id]), /does not exist/);
  // With its memory, and without the cgroup of the other one.
  await goesOn(world, copy, 3);
  await end(world, copy);
});

runtimeTest('images do not give more than config.json, whatever they hold', [], async (world) => {
  const [id, images] = ['onggi-c', join(world.scratch, 'images')];
  const args = ['sh', '-c', counting];
  const capabilities = {
    bounding: ['CAP_KILL', 'CAP_SYS_ADMIN'],
    permitted: ['CAP_SYS_ADMIN'],
    effective: ['CAP_SYS_ADMIN'],
  };
  await detach(world, id, { args, edit: withProcess({ noNewPrivileges: false, capabilities }) });
  await world.ok(['checkpoint', '--image-path', images, id]);
  for (const [edit, message] of [
    [withProcess({ capabilities: { bounding: ['CAP_KILL'] } }), /CapBnd is 0000000000200020, beyond its bounding set/],
    [withProcess({ capabilities }, { seccomp: denying }), /it has no seccomp filter/],
  ] as const) {
    const found = await refused(world, [
      'restore',
      '-d',
      '-b',
      world.bundle({ args, edit }),
      '--image-path',
      images,
      id,
    ]);
    assert.match(found, /its images give it more than its config.json/);
    assert.match(found, message);
    assert.match(await refused(world, ['state', id]), /does not exist/);
  }
  // A config without capabilities, no_new_privs and so on is what they were made with: nothing to refuse.
  const same = world.bundle({ args, edit: withProcess({ capabilities }) });
  await silent(world, ['restore', '-d', '-b', same, '--image-path', images, id]);
  assert.match(privileges((await world.state(id)).pid), /^NoNewPrivs:\t1$/m);
  await end(world, id);
});

runtimeTest('what fails is told, and leaves the container as it was, or none', [], async (world) => {
  const [id, images] = ['onggi-c', join(world.scratch, 'images')];
  const bundle = await detach(world, id, { args: ['sh', '-c', counting] });
  const without = await world.runtime(['checkpoint', '--image-path', images, id], { env: { PATH: '/nowhere' } });
  assert.equal(without.status, 1);
  assert.match(without.stderr, /run "criu": it is not installed/);
  await goesOn(world, id, await count(world, id));
  await world.ok(['checkpoint', '--image-path', images, id]);

  const restore = ['restore', '-d', '-b', bundle, '--image-path'];
  const missing = await world.runtime([...restore, images, id], { env: { PATH: '/nowhere' } });
  assert.match(missing.stderr, /run "criu": it is not installed/);
  assert.match(
    await refused(world, [...restore, join(world.scratch, 'none'), id]),
    /descriptors.json" of the checkpoint/,
  );
  const damaged = (name: string, change: (path: string) => void): string => {
    const copy = join(world.scratch, `damaged-${name}`);
    cpSync(images, copy, { recursive: true });
    change(join(copy, name));
    return copy;
  };
  for (const [name, change, message] of [
    ['pstree.img', (path: string) => truncateSync(path, 9), /criu failed: Error/],
    ['core-1.img', (path: string) => writeFileSync(path, Buffer.alloc(4096, 0xff)), /criu failed: Error/],
    ['pages-1.img', (path: string) => truncateSync(path, 4096), /4096 bytes where \d+ are expected/],
    ['descriptors.json', (path: string) => writeFileSync(path, '{"0":1}'), /not a list of three paths/],
    ['descriptors.json', (path: string) => writeFileSync(path, '["'), /not JSON/],
  ] as const) {
    assert.match(await refused(world, [...restore, damaged(name, change), id]), message, name);
    assert.match(await refused(world, ['state', id]), /does not exist/);
  }
  await silent(world, [...restore, images, id]);
  await goesOn(world, id, 1);
  assert.match(await refused(world, [...restore, images, id]), /already exists|exists/);
  await end(world, id);
});

runtimeTest('a terminal, at a console socket and in the foreground; a user namespace', [], async (world) => {
  const [id, images, socket] = ['onggi-c', join(world.scratch, 'images'), join(world.scratch, 'console')];
  const maps = [{ containerID: 0, hostID: 500_000, size: 65_536 }];
  const edit = (spec: Spec): Spec => ({
    ...spec,
    process: { ...spec.process, terminal: true } as NonNullable<Spec['process']>,
    linux: {
      ...spec.linux,
      namespaces: [...(spec.linux?.namespaces ?? []), { type: 'user' }],
      uidMappings: maps,
      gidMappings: maps,
    },
  });
  const script = 'while read line; do echo "got $line at $(tty)"; done; exit 7';
  const bundle = world.bundle({ args: ['sh', '-c', script], edit });
  // Its root has to come to the root file system.
  chmodSync(world.scratch, 0o711);
  const shifted = await run('chown', ['-R', '500000:500000', join(world.scratch, 'rootfs')]);
  assert.equal(shifted.status, 0, shifted.stderr);
  const console = async (args: readonly string[]) => {
    rmSync(socket, { force: true });
    const end = start(probePath, ['console', socket]);
    await end.printed(/listening/);
    await silent(world, [...args, '--console-socket', socket, id]);
    return end;
  };
  const first = await console(['run', '--detach', '--bundle', bundle]);
  first.child.stdin?.write('one\r');
  await first.printed(/got one at \/dev\/pts\/0/);
  const restore = ['restore', '-b', bundle, '--image-path', images];
  await world.ok(['checkpoint', '--image-path', images, id]);
  assert.match(await refused(world, [...restore, '-d', id]), /needs a console socket/);
  const second = await console([...restore, '-d']);
  second.child.stdin?.write('two\r');
  await second.printed(/got two at \/dev\/pts\/0/);
  assert.match(readFileSync(`/proc/${(await world.state(id)).pid}/status`, 'utf8'), /^Uid:\t500000\t/m);
  rmSync(images, { recursive: true });
  await world.ok(['checkpoint', '--image-path', images, id]);
  assert.match(await refused(world, [...restore, '--console-socket', socket, id]), /in the foreground the terminal is/);
  const third = start(probePath, ['terminal', '33', '101', ...world.command, ...restore, id]);
  await eventually('it is restored', async () => (await world.runtime(['state', id])).stdout.includes('"running"'));
  third.child.stdin?.write('three\r');
  await third.printed(/got three at \/dev\/pts\/0/);
  third.child.stdin?.write('\x04');
  assert.equal((await third.outcome).status, 7);
  assert.match(await refused(world, ['state', id]), /does not exist/);
});

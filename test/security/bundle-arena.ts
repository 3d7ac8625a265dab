/** Containers from bundles (OCI runtime specification, bundle.md), by a runtime with runc's command line. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { basename, join } from 'node:path';
import type { Spec } from '../../src/oci/runtime-spec.ts';
import { defaultCapabilities } from '../../src/runtime/capability.ts';
import { defaultMounts, maskedPaths, readonlyPaths } from '../../src/runtime/defaults.ts';
import { architectureOf } from '../../src/runtime/seccomp/architecture.ts';
import { defaultSeccomp, kernelVersion } from '../../src/runtime/seccomp/profile.ts';
import { layOut } from '../harness/busybox-image.ts';
import { firstSubId, type OrdinaryUser, userId } from '../harness/ordinary-user.ts';
import { type Outcome, type Running, run, start } from '../harness/program.ts';
import type { Arena, ExecWish, Inmate, Refusal, Volume, Wish } from './arena.ts';

/** Who calls a runtime, and how. */
type Caller = {
  readonly user: OrdinaryUser | undefined;
  run(...argv: readonly string[]): Promise<Outcome>;
  start(...argv: readonly string[]): Running;
  /** Gives him what lies there. */
  own(...paths: readonly string[]): void;
};

function callerOf(user: OrdinaryUser | undefined): Caller {
  const options = user === undefined ? {} : { env: user.env };
  const owned = new Set<string>();
  const words = (argv: readonly string[]): [string, string[]] => {
    const [command = '', ...args] = user === undefined ? argv : user.argv(argv);
    return [command, args];
  };
  return {
    user,
    run: (...argv) => run(...words(argv), options),
    start: (...argv) => start(...words(argv), options),
    own(...paths) {
      // Each once: an attacker may be exchanging what lies in it by the next time.
      const own = paths.filter((path) => !/^\/(?:proc|dev|sys)\//.test(path) && !owned.has(path));
      if (user === undefined || own.length === 0) return;
      for (const path of own) owned.add(path);
      const { status, stderr } = spawnSync('chown', ['-R', '-h', `${userId}:${userId}`, ...own]);
      assert.equal(status, 0, String(stderr));
    },
  };
}

/**
 * @param programs what no container may change
 * @param user who calls the runtime; absent: root
 */
export function bundleArena(scratch: string, runtime: string, programs: readonly string[], user?: OrdinaryUser): Arena {
  let root = '';
  let count = 0;
  const caller = callerOf(user);
  const place = user?.home ?? scratch;
  const global = [user === undefined ? runtime : join(user.dist, basename(runtime)), '--root', join(place, 'state')];
  const call = (...args: string[]): Promise<Outcome> => caller.run(...global, ...args);

  const layOutRoot = (): string => {
    count += 1;
    const path = join(place, `rootfs-${count}`);
    mkdirSync(path);
    layOut(path);
    return path;
  };
  const hostile: Arena['hostile'] = async (change) => {
    root = layOutRoot();
    change(root);
  };
  const bundle = async (wish: Wish): Promise<{ id: string; directory: string }> => {
    if (root === '') await hostile(() => {});
    count += 1;
    const id = `attack-${process.pid}-${count}`;
    const directory = join(place, `bundle-${count}`);
    const rootfs = wish.clean === true ? layOutRoot() : root;
    mkdirSync(directory);
    const usual = bundleSpec(wish, rootfs, id);
    const spec = wish.hostSys === true ? withHostSys(usual) : usual;
    writeFileSync(join(directory, 'config.json'), JSON.stringify(user === undefined ? spec : rootlessSpec(spec)));
    caller.own(directory, rootfs, ...(wish.volumes ?? []).map(({ source }) => source));
    return { id, directory };
  };
  return {
    kind: user === undefined ? 'bundle' : 'rootless',
    scratch,
    programs,
    hostile,
    async sharedRoot() {
      if (root === '') await hostile(() => {});
      return root;
    },
    async run(wish) {
      const { id, directory } = await bundle(wish);
      const outcome = await call('run', '--bundle', directory, id);
      // One that failed on its way may have left a state; there is none after a good run.
      await call('delete', '--force', id);
      return outcome;
    },
    async begin(wish) {
      const { id, directory } = await bundle(wish);
      return await startInmate(caller, global, id, directory, wish.tty === true);
    },
  };
}

/** A detached container owns the descriptors that it was given, so its output goes to a file. */
async function startInmate(
  caller: Caller,
  global: readonly string[],
  id: string,
  directory: string,
  tty: boolean,
): Promise<Inmate | Refusal> {
  const log = join(directory, 'output');
  const [pidFile, script] = [join(directory, 'pid'), 'exec "$@" >"$0" 2>&1 </dev/null'];
  writeFileSync(log, '');
  caller.own(log);
  const socket = join(directory, 's');
  const keeper = tty ? caller.start('/usr/bin/python3', '-c', consoleKeeper, socket) : undefined;
  await keeper?.printed(/listening/);
  const options = ['--detach', '--pid-file', pidFile, ...(tty ? ['--console-socket', socket] : [])];
  const begun = await caller.run('sh', '-c', script, log, ...global, 'run', ...options, '--bundle', directory, id);
  const said = readFileSync(log, 'utf8');
  if (begun.status !== 0) {
    await caller.run(...global, 'delete', '--force', id);
    await end(keeper);
    return { refused: begun.stderr + said };
  }
  const execArgs = ({ args: command, user, cwd, tty, env = [], raised = [] }: ExecWish): string[] => [
    ...global,
    'exec',
    ...(user === undefined ? [] : ['--user', user]),
    ...(cwd === undefined ? [] : ['--cwd', cwd]),
    ...(tty === true ? ['--tty'] : []),
    ...env.flatMap((entry) => ['--env', entry]),
    ...raised.flatMap((name) => ['--cap', name]),
    id,
    ...command,
  ];
  return {
    pid: Number(readFileSync(pidFile, 'utf8')),
    exec: (wish) => caller.run(...execArgs(wish)),
    startExec: (wish) => caller.start(...execArgs(wish)),
    // Without a cgroup, the runtime of an ordinary user warns where the container prints.
    printed: async () => readFileSync(log, 'utf8').replace(/^\S+: warning: no permission to make a cgroup:.*\n/, ''),
    remove: async () => {
      const removed = await caller.run(...global, 'delete', '--force', id);
      assert.equal(removed.status, 0, removed.stderr);
      await end(keeper);
    },
  };
}

async function end(program: Running | undefined): Promise<void> {
  program?.child.kill('SIGKILL');
  await program?.outcome;
}

/** As the engine would have it: Docker's defaults. */
export function bundleSpec(wish: Wish, root: string, id: string): Spec {
  const [uid = 0, gid = 0] = (wish.user ?? '0:0').split(':').map(Number);
  const { volumes = [] } = wish;
  const names = [...new Set([...defaultCapabilities, ...(wish.capabilities ?? [])])];
  return {
    ociVersion: '1.0.2',
    process: {
      user: { uid, gid },
      args: wish.args,
      cwd: wish.cwd ?? '/',
      env: ['PATH=/bin', ...(wish.env ?? [])],
      terminal: wish.tty === true,
      capabilities: { bounding: names, effective: names, permitted: names },
    },
    root: { path: root },
    hostname: 'attacked',
    mounts: [
      ...binds(volumes.filter(({ first }) => first === true)),
      ...defaultMounts.filter(
        ({ destination }) => !replaced(destination, volumes) && !(wish.bareDev === true && destination === '/dev'),
      ),
      ...binds(volumes.filter(({ first }) => first !== true)),
    ],
    linux: {
      namespaces: (['mount', 'pid', 'network', 'uts', 'ipc', 'cgroup'] as const).map((type) => ({ type })),
      cgroupsPath: `/onggi-${id}`,
      resources: { devices: [{ allow: false, access: 'rwm' }] },
      sysctl: wish.sysctl ?? {},
      maskedPaths,
      readonlyPaths,
      seccomp: defaultSeccomp(names, architectureOf(process.arch), kernelVersion(release())),
    },
  };
}

/** Ids of an ordinary user: his own is root's, those that he was given the others; devices are bound, not made. */
function rootlessSpec(spec: Spec): Spec {
  const mappings = [
    { containerID: 0, hostID: userId, size: 1 },
    { containerID: 1, hostID: firstSubId, size: 65_536 },
  ];
  const { linux = {} } = spec;
  return {
    ...spec,
    linux: {
      ...linux,
      namespaces: [...(linux.namespaces ?? []), { type: 'user' }],
      uidMappings: mappings,
      gidMappings: mappings,
    },
  };
}

function withHostSys(spec: Spec): Spec {
  const options = ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'];
  return {
    ...spec,
    mounts: [
      ...(spec.mounts ?? []).filter(({ destination }) => !destination.startsWith('/sys')),
      { destination: '/sys', type: 'none', source: '/sys', options },
    ],
    linux: {
      ...spec.linux,
      namespaces: (spec.linux?.namespaces ?? []).filter(({ type }) => type !== 'cgroup' && type !== 'network'),
    },
  };
}

function binds(volumes: readonly Volume[]): NonNullable<Spec['mounts']> {
  return volumes.map(({ source, target, readOnly }) => ({
    destination: target,
    type: 'bind',
    source,
    options: ['rbind', 'rprivate', ...(readOnly === true ? ['ro'] : [])],
  }));
}

/** A volume takes the place of a usual mount, as with the engine. One on /dev that comes first keeps those below. */
function replaced(destination: string, volumes: readonly Volume[]): boolean {
  return volumes.some(({ target, first }) => {
    return target === destination || (target === '/dev' && destination.startsWith('/dev/') && first !== true);
  });
}

/** Takes the descriptor of the terminal that comes on the console socket, and keeps it as long as it is not killed. */
const consoleKeeper = `
import array, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print("listening", flush=True)
peer = listener.accept()[0]
kept = peer.recvmsg(4096, socket.CMSG_SPACE(4))
print("kept", flush=True)
sys.stdin.read()
`;

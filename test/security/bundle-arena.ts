/** Containers from bundles (OCI runtime specification, bundle.md), by a runtime with runc's command line. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import type { Spec } from '../../src/oci/runtime-spec.ts';
import { defaultCapabilities } from '../../src/runtime/capability.ts';
import { defaultMounts, maskedPaths, readonlyPaths } from '../../src/runtime/defaults.ts';
import { architectureOf } from '../../src/runtime/seccomp/architecture.ts';
import { defaultSeccomp, kernelVersion } from '../../src/runtime/seccomp/profile.ts';
import { layOut } from '../harness/busybox-image.ts';
import { type Outcome, type Running, run, start } from '../harness/program.ts';
import type { Arena, ExecWish, Inmate, Refusal, Volume, Wish } from './arena.ts';

/** @param programs what no container may change */
export function bundleArena(scratch: string, runtime: string, programs: readonly string[]): Arena {
  let root = '';
  let count = 0;
  const state = join(scratch, 'state');
  const global = ['--root', state];
  const call = (...args: string[]): Promise<Outcome> => run(runtime, [...global, ...args]);

  const layOutRoot = (): string => {
    count += 1;
    const path = join(scratch, `rootfs-${count}`);
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
    const directory = join(scratch, `bundle-${count}`);
    mkdirSync(directory);
    writeFileSync(
      join(directory, 'config.json'),
      JSON.stringify(bundleSpec(wish, wish.clean === true ? layOutRoot() : root, id)),
    );
    return { id, directory };
  };
  return {
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
      return await startInmate(runtime, global, id, directory, wish.tty === true);
    },
  };
}

/** A detached container owns the descriptors that it was given, so its output goes to a file. */
async function startInmate(
  runtime: string,
  global: readonly string[],
  id: string,
  directory: string,
  tty: boolean,
): Promise<Inmate | Refusal> {
  const log = join(directory, 'output');
  const [pidFile, script] = [join(directory, 'pid'), 'exec "$@" >"$0" 2>&1 </dev/null'];
  writeFileSync(log, '');
  const socket = join(directory, 's');
  const keeper = tty ? start('python3', ['-c', consoleKeeper, socket]) : undefined;
  await keeper?.printed(/listening/);
  const options = ['--detach', '--pid-file', pidFile, ...(tty ? ['--console-socket', socket] : [])];
  const begun = await run('sh', ['-c', script, log, runtime, ...global, 'run', ...options, '--bundle', directory, id]);
  const said = readFileSync(log, 'utf8');
  if (begun.status !== 0) {
    await run(runtime, [...global, 'delete', '--force', id]);
    await end(keeper);
    return { refused: begun.stderr + said };
  }
  const execArgs = ({ args: command, user, cwd, tty, env = [] }: ExecWish): string[] => [
    ...global,
    'exec',
    ...(user === undefined ? [] : ['--user', user]),
    ...(cwd === undefined ? [] : ['--cwd', cwd]),
    ...(tty === true ? ['--tty'] : []),
    ...env.flatMap((entry) => ['--env', entry]),
    id,
    ...command,
  ];
  return {
    pid: Number(readFileSync(pidFile, 'utf8')),
    exec: (wish) => run(runtime, execArgs(wish)),
    startExec: (wish) => start(runtime, execArgs(wish)),
    printed: async () => readFileSync(log, 'utf8'),
    remove: async () => {
      const removed = await run(runtime, [...global, 'delete', '--force', id]);
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

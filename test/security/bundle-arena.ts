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
import { type Outcome, run, start } from '../harness/program.ts';
import type { Arena, ExecWish, Inmate, Volume, Wish } from './arena.ts';

/** @param programs what no container may change */
export function bundleArena(scratch: string, runtime: string, programs: readonly string[]): Arena {
  let root = '';
  let count = 0;
  const state = join(scratch, 'state');
  const global = ['--root', state];
  const call = (...args: string[]): Promise<Outcome> => run(runtime, [...global, ...args]);

  const hostile: Arena['hostile'] = async (change) => {
    count += 1;
    root = join(scratch, `rootfs-${count}`);
    mkdirSync(root);
    layOut(root);
    change(root);
  };
  const bundle = async (wish: Wish): Promise<{ id: string; directory: string }> => {
    if (root === '') await hostile(() => {});
    count += 1;
    const id = `attack-${process.pid}-${count}`;
    const directory = join(scratch, `bundle-${count}`);
    mkdirSync(directory);
    writeFileSync(join(directory, 'config.json'), JSON.stringify(bundleSpec(wish, root, id)));
    return { id, directory };
  };
  return {
    scratch,
    programs,
    hostile,
    async run(wish) {
      const { id, directory } = await bundle(wish);
      const outcome = await call('run', '--bundle', directory, id);
      // One that failed on its way may have left a state; there is none after a good run.
      await call('delete', '--force', id);
      return outcome;
    },
    async background(wish) {
      const { id, directory } = await bundle(wish);
      return await startInmate(runtime, global, id, directory);
    },
  };
}

/** A detached container owns the descriptors that it was given, so its output goes to a file. */
async function startInmate(runtime: string, global: readonly string[], id: string, directory: string): Promise<Inmate> {
  const log = join(directory, 'output');
  const [pidFile, script] = [join(directory, 'pid'), 'exec "$@" >"$0" 2>&1 </dev/null'];
  writeFileSync(log, '');
  const args = [...global, 'run', '--detach', '--pid-file', pidFile, '--bundle', directory, id];
  const begun = await run('sh', ['-c', script, log, runtime, ...args]);
  const said = readFileSync(log, 'utf8');
  assert.equal(begun.status, 0, `${runtime} ${args.join(' ')}: ${begun.stderr}${said}`);
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
    },
  };
}

/** As the engine would have it: Docker's defaults. */
export function bundleSpec(wish: Wish, root: string, id: string): Spec {
  const [uid = 0, gid = 0] = (wish.user ?? '0:0').split(':').map(Number);
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
    mounts: [...defaultMounts.filter((mount) => !replaced(mount.destination, wish.volumes ?? [])), ...binds(wish)],
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

function binds({ volumes = [] }: Wish): NonNullable<Spec['mounts']> {
  return volumes.map(({ source, target, readOnly }) => ({
    destination: target,
    type: 'bind',
    source,
    options: ['rbind', 'rprivate', ...(readOnly === true ? ['ro'] : [])],
  }));
}

/** A volume takes the place of a usual mount, as with the engine. */
function replaced(destination: string, volumes: readonly Volume[]): boolean {
  return volumes.some(({ target }) => target === destination || (target === '/dev' && destination.startsWith('/dev/')));
}

/** A test of `onggi-runtime` on the real kernel: bundles, a state root of its own, and the proof that nothing is left. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Spec } from '../../src/oci/runtime-spec.ts';
import { layOut, repository } from './busybox-image.ts';
import { findLeaks, snapshot } from './leaks.ts';
import { lockMachine } from './machine-lock.ts';
import { eventually, type Outcome, type ProgramOptions, patience, type Running, run, start } from './program.ts';
import { type Need, requires } from './requires.ts';
import { makeScratch } from './scratch.ts';

export const runtimeBinary = join(repository, 'dist/onggi-runtime');

export type BundleWish = {
  readonly args: readonly string[];
  /** Changes what `spec` writes; the terminal is off. */
  readonly edit?: (spec: Spec) => Spec;
};

export type RuntimeWorld = {
  /** State root (`--root`). */
  readonly root: string;
  /** The program with its global flags. */
  readonly command: readonly string[];
  readonly scratch: string;
  /** Runs onggi-runtime to its end, stdin empty. */
  runtime(args: readonly string[], options?: ProgramOptions): Promise<Outcome>;
  /** The same, must end with 0; returns stdout. Output goes to files, so that a container may keep them. */
  ok(args: readonly string[], options?: ProgramOptions): Promise<string>;
  start(args: readonly string[], options?: ProgramOptions): Running;
  /** A new bundle on the shared root file system of busybox. @returns its directory */
  bundle(wish: BundleWish): string;
  /** Creates a container of a bundle. */
  create(id: string, wish: BundleWish, flags?: readonly string[]): Promise<string>;
  /** Runs one detached. */
  detached(id: string, wish: BundleWish, flags?: readonly string[]): Promise<string>;
  state(id: string): Promise<{ readonly status: string; readonly pid: number; readonly [field: string]: unknown }>;
  /** Waits until the container has this status. */
  reaches(id: string, status: string): Promise<void>;
};

/** Ids should begin with "onggi-": by default the cgroup has the name of the container, and leaks are looked for by it. */
export function runtimeTest(name: string, needs: readonly Need[], body: (world: RuntimeWorld) => Promise<void>): void {
  test(name, { timeout: 60_000 * patience, ...requires('root', 'busybox', ...needs) }, async () => {
    assert.ok(existsSync(runtimeBinary), `"${runtimeBinary}" is not built: run make`);
    await lockMachine();
    const before = snapshot();
    {
      await using scratch = makeScratch();
      const world = makeWorld(scratch.path);
      try {
        await body(world);
        assert.deepEqual(containersOf(world.root), [], 'containers are left');
      } finally {
        for (const id of containersOf(world.root)) await world.runtime(['delete', '--force', id]);
      }
    }
    const leaks = await findLeaks(before);
    assert.deepEqual(leaks, [], `left behind:\n${leaks.join('\n')}`);
  });
}

function containersOf(root: string): string[] {
  return existsSync(root) ? readdirSync(root) : [];
}

function makeWorld(scratch: string): RuntimeWorld {
  const root = join(scratch, 'state');
  const rootfs = join(scratch, 'rootfs');
  layOut(rootfs);
  let bundles = 0;
  const runtime: RuntimeWorld['runtime'] = (args, options) => run(runtimeBinary, ['--root', root, ...args], options);
  const ok: RuntimeWorld['ok'] = async (args, options) => {
    const outcome = await runtime(args, options);
    assert.equal(outcome.status, 0, `onggi-runtime ${args.join(' ')}: ${outcome.stderr}${outcome.stdout}`);
    return outcome.stdout;
  };
  const bundle: RuntimeWorld['bundle'] = ({ args, edit = (spec) => spec }) => {
    const directory = join(scratch, `bundle-${++bundles}`);
    mkdirSync(directory);
    writeFileSync(join(directory, 'config.json'), JSON.stringify(edit(plainSpec(rootfs, args))));
    return directory;
  };
  /** Detached containers hold our pipes for as long as they live; files they may hold. */
  const apart = async (args: readonly string[]): Promise<string> => {
    const out = join(scratch, `out-${++bundles}`);
    const words = ['-c', 'out=$1; shift; exec "$@" >"$out" 2>&1 </dev/null', '--', out, runtimeBinary, '--root', root];
    const outcome = await run('sh', [...words, ...args]);
    const said = existsSync(out) ? await import('node:fs').then(({ readFileSync }) => readFileSync(out, 'utf8')) : '';
    assert.equal(outcome.status, 0, `onggi-runtime ${args.join(' ')}: ${said}`);
    return out;
  };
  const state: RuntimeWorld['state'] = async (id) => JSON.parse(await ok(['state', id]));
  return {
    root,
    command: [runtimeBinary, '--root', root],
    scratch,
    runtime,
    ok,
    start: (args, options) => start(runtimeBinary, ['--root', root, ...args], options),
    bundle,
    create: (id, wish, flags = []) => apart(['create', '--bundle', bundle(wish), ...flags, id]),
    detached: (id, wish, flags = []) => apart(['run', '--detach', '--bundle', bundle(wish), ...flags, id]),
    state,
    reaches: (id, status) => eventually(`${id} is ${status}`, async () => (await state(id)).status === status),
  };
}

/** What `spec` writes, on the root file system of busybox, without a terminal. */
function plainSpec(rootfs: string, args: readonly string[]): Spec {
  return {
    ociVersion: '1.2.0',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args,
      env: ['PATH=/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: { bounding: ['CAP_KILL'], permitted: ['CAP_KILL'], effective: ['CAP_KILL'] },
      noNewPrivileges: true,
    },
    root: { path: rootfs, readonly: true },
    hostname: 'bundle',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=65536k'] },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
      },
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['mode=1777'] },
    ],
    linux: {
      namespaces: [{ type: 'pid' }, { type: 'network' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' }],
      resources: { devices: [{ allow: false, access: 'rwm' }] },
    },
  };
}

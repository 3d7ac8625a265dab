/**
 * A test on the real kernel: a store of its own, the compiled onggi, and the proof that nothing is left. Each test
 * runs alone on the machine (machine-lock.ts).
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { busyboxTar, repository } from './busybox-image.ts';
import { findLeaks, ownSnapshot, snapshot } from './leaks.ts';
import { lockMachine } from './machine-lock.ts';
import { type Outcome, type ProgramOptions, patience, type Running, run, start } from './program.ts';
import { type Need, requires } from './requires.ts';
import { makeScratch } from './scratch.ts';
import { storeLeaks } from './store-leaks.ts';

/** The compiled program; another one by ONGGI_BINARY. */
export const binary = process.env['ONGGI_BINARY'] ?? join(repository, 'dist/onggi');

export type World = {
  /** Root of the store (`--root`). */
  readonly root: string;
  /** A directory for the test's own files, beside the store. */
  readonly scratch: string;
  /** Name of the imported busybox image. */
  readonly image: string;
  /** Runs onggi to its end, stdin empty. */
  onggi(args: readonly string[], options?: ProgramOptions): Promise<Outcome>;
  /** The same, must end with 0; returns stdout without the last newline. */
  ok(args: readonly string[], options?: ProgramOptions): Promise<string>;
  /** Starts onggi with stdin open. */
  start(args: readonly string[], options?: ProgramOptions): Running;
};

export type WorldOptions = {
  /** false: the store is empty. */
  readonly image?: boolean;
  /** true: nothing is started that outlives its command, so other tests may run at the same time. */
  readonly shared?: boolean;
  /** Milliseconds for the whole test; 60 s when absent. */
  readonly timeout?: number;
};

/**
 * Defines a test of node:test that needs root, and `needs` besides.
 * When it ends, its containers are removed and whatever else is left fails it.
 */
export function systemTest(
  name: string,
  needs: readonly Need[],
  body: (world: World) => Promise<void>,
  options: WorldOptions = {},
): void {
  const timeout = options.timeout ?? 60_000;
  test(name, { timeout: (timeout + 30_000) * patience, ...requires('root', 'overlay', ...needs) }, async () => {
    await inWorld(body, options);
  });
}

/**
 * The same for a test of images (test/image/): no container is started, and such tests run side by side. The store is
 * empty unless `image` asks for one.
 */
export function imageTest(
  name: string,
  needs: readonly Need[],
  body: (world: World) => Promise<void>,
  options: WorldOptions = {},
): void {
  const timeout = options.timeout ?? 60_000;
  test(name, { timeout, ...requires('root', ...needs) }, async () => {
    await inWorld(body, { image: false, ...options, shared: true });
  });
}

/** What systemTest runs; apart for tests that need a world among other things. */
export async function inWorld(body: (world: World) => Promise<void>, options: WorldOptions = {}): Promise<void> {
  assert.ok(existsSync(binary), `"${binary}" is not built: run make`);
  const tar = options.image === false ? undefined : await busyboxTar();
  if (options.shared !== true) await lockMachine();
  const look = options.shared === true ? ownSnapshot : snapshot;
  const before = look();
  {
    await using scratch = makeScratch();
    const world = makeWorld(scratch.path);
    if (tar !== undefined) await world.ok(['import', tar, world.image]);
    const failure = await attempt(() => body(world));
    const left = await attempt(() => cleanUp(world, () => findLeaks(before, undefined, look)));
    if (failure !== undefined) throw failure.error;
    if (left !== undefined) throw left.error;
  }
}

function makeWorld(scratch: string): World {
  const root = join(scratch, 's');
  const onggi: World['onggi'] = (args, options) => run(binary, ['--root', root, ...args], options);
  return {
    root,
    scratch,
    image: 'busybox',
    onggi,
    ok: async (args, options) => {
      const outcome = await onggi(args, options);
      const said = `onggi ${args.join(' ')}: ${outcome.stderr}${outcome.stdout}`;
      assert.equal(outcome.status, 0, said);
      return outcome.stdout.replace(/\n$/, '');
    },
    start: (args, options) => start(binary, ['--root', root, ...args], options),
  };
}

/**
 * Removes the containers. Then the store may hold images only and the machine what it held before; a bridge is allowed
 * its second of grace, and the store must be there until then.
 */
async function cleanUp(world: World, find: () => Promise<string[]>): Promise<void> {
  if (existsSync(world.root)) {
    const containers = (await world.ok(['ps', '-aq', '--no-trunc'])).split('\n').filter((id) => id !== '');
    if (containers.length > 0) await world.ok(['rm', '-f', ...containers]);
  }
  const leaks = await find();
  const left = [...leaks, ...storeLeaks(world.root)];
  assert.deepEqual(left, [], `left behind:\n${left.join('\n')}`);
}

async function attempt(body: () => Promise<void>): Promise<{ readonly error: unknown } | undefined> {
  try {
    await body();
    return undefined;
  } catch (error) {
    return { error };
  }
}

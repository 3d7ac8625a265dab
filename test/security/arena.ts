/**
 * Where attacks take place: one container and the ways to start it, so that the same attack is made on every way.
 *
 * `onggi` is the engine, from a hostile image. `onggi-runtime` is the low-level runtime, from a hostile bundle, called by root or
 * by an ordinary user. Another
 * runtime with runc's command line is attacked when ONGGI_TEST_RUNTIME names one: an old runc must lose some of these
 * tests, which shows that they can be lost.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { layOut, repository } from '../harness/busybox-image.ts';
import { makeUser } from '../harness/ordinary-user.ts';
import { eventually, type Outcome, type Running } from '../harness/program.ts';
import { type Need, requires } from '../harness/requires.ts';
import { inWorld, type World } from '../harness/system-test.ts';
import { bundleArena } from './bundle-arena.ts';

export type Volume = {
  readonly source: string;
  readonly target: string;
  readonly readOnly?: boolean;
  /** Before the usual mounts, where the caller has a say in that. */
  readonly first?: boolean;
};

/** A container or a further process in one. What is absent is as `docker run` has it; there is no network. */
export type Wish = {
  readonly args: readonly string[];
  readonly volumes?: readonly Volume[];
  /** "UID:GID" in numbers; names where the way takes them. */
  readonly user?: string;
  readonly cwd?: string;
  readonly tty?: boolean;
  readonly env?: readonly string[];
  /** With "CAP_". */
  readonly capabilities?: readonly string[];
  readonly sysctl?: Readonly<Record<string, string>>;
  /** From an ordinary root file system of its own, not from the hostile one. */
  readonly clean?: boolean;
  /** No file system on /dev, where the caller has a say in that: devices are made in the root. */
  readonly bareDev?: boolean;
  /** The host's /sys, bound read-only, and its cgroups by their own names: what `spec --rootless` writes. */
  readonly hostSys?: boolean;
};

export type ExecWish = Pick<Wish, 'args' | 'user' | 'cwd' | 'tty' | 'env'> & {
  /** As much as the runtime gives on request: by name, or by `--privileged`, where that is the only word. */
  readonly raised?: readonly string[];
};

/** A container that runs in the background. */
export type Inmate = {
  /** Its first process, as the host numbers it. */
  readonly pid: number;
  exec(wish: ExecWish): Promise<Outcome>;
  /** Starts a further process with its stdin open. */
  startExec(wish: ExecWish): Running;
  /** What it has printed up to now. */
  printed(): Promise<string>;
  remove(): Promise<void>;
};

export type Arena = {
  readonly kind: Way['kind'];
  /** Files of the host that the container must not reach. */
  readonly scratch: string;
  /** Programs of the runtime on the host, which no container may change. */
  readonly programs: readonly string[];
  /** Lays a root file system out and lets `change` make it hostile; containers that start from now on have it. */
  hostile(change: (root: string) => void): Promise<void>;
  /** The one that is laid out now, where it is a directory of the host that containers share. */
  sharedRoot(): Promise<string>;
  /** Runs a container to its end. */
  run(wish: Wish): Promise<Outcome>;
  /** Starts one in the background; what the runtime says when it refuses. */
  begin(wish: Wish): Promise<Inmate | Refusal>;
};

export type Refusal = { readonly refused: string };

export type Way = {
  readonly name: string;
  readonly kind: 'engine' | 'bundle' | 'rootless';
  readonly needs?: readonly Need[];
  enter(world: World): Arena;
};

const built = (name: string): string => join(repository, 'dist', name);

function ways(): Way[] {
  const other = process.env['ONGGI_TEST_RUNTIME'];
  if (other !== undefined) {
    return [{ name: basename(other), kind: 'bundle', enter: (world) => bundleArena(world.scratch, other, [other]) }];
  }
  const programs = [built('onggi'), built('onggi-shim')];
  const runtime = built('onggi-runtime');
  const engine: Way = { name: 'onggi', kind: 'engine', enter: engineArena };
  const bundle: Way = {
    name: 'onggi-runtime',
    kind: 'bundle',
    enter: (world) => bundleArena(world.scratch, runtime, programs),
  };
  const rootless: Way = {
    name: 'onggi-runtime of an ordinary user',
    kind: 'rootless',
    needs: ['newuidmap'],
    enter: (world) => bundleArena(world.scratch, runtime, programs, makeUser(world.scratch)),
  };
  return [engine, bundle, rootless];
}

/**
 * An attack, made on each way to start a container, or on those of one kind where the others have no such thing: names
 * of users are looked up by the engine, root file systems are shared by bundles. Whatever is left behind fails it too.
 */
export function attack(
  name: string,
  needs: readonly Need[],
  body: (arena: Arena) => Promise<void>,
  ...only: readonly Way['kind'][]
): void {
  const timeout = 120_000;
  for (const way of ways()) {
    if (only.length > 0 && !only.includes(way.kind)) continue;
    const wanted = requires('root', 'overlay', 'busybox', ...(way.needs ?? []), ...needs);
    const options = { timeout: timeout + 30_000, ...wanted };
    test(`${way.name}: ${name}`, options, () => inWorld((world) => body(way.enter(world)), { timeout }));
  }
}

function engineArena(world: World): Arena {
  let image = world.image;
  let count = 0;
  const imageOf = ({ clean }: Wish): string => (clean === true ? world.image : image);
  return {
    kind: 'engine',
    scratch: world.scratch,
    programs: [built('onggi'), built('onggi-shim')],
    async hostile(change) {
      count += 1;
      const [root, tar] = [join(world.scratch, `root-${count}`), join(world.scratch, `root-${count}.tar`)];
      mkdirSync(root);
      layOut(root);
      change(root);
      const packed = spawnSync('tar', ['--xattrs', '--xattrs-include=*', '-C', root, '-cf', tar, '.']);
      assert.equal(packed.status, 0, String(packed.stderr));
      image = `hostile:${count}`;
      await world.ok(['import', tar, image]);
    },
    sharedRoot: async () => assert.fail('writable layers are of one container alone'),
    run: (wish) => world.onggi(['run', '--rm', ...flagsOf(wish), imageOf(wish), ...wish.args]),
    async begin(wish) {
      const { status, stdout, stderr } = await world.onggi([
        'run',
        '-d',
        ...flagsOf(wish),
        imageOf(wish),
        ...wish.args,
      ]);
      return status === 0 ? await engineInmate(world, stdout.trim()) : { refused: stderr };
    },
  };
}

async function engineInmate(world: World, id: string): Promise<Inmate> {
  const [found] = JSON.parse(await world.ok(['inspect', id])) as { State: { Pid: number } }[];
  const execFlags = (wish: ExecWish, ...more: string[]): string[] => {
    return ['exec', ...more, ...(wish.raised === undefined ? [] : ['--privileged']), ...processFlags(wish), id];
  };
  return {
    pid: found?.State.Pid ?? assert.fail(`no process of ${id}`),
    exec: (wish) => world.onggi([...execFlags(wish), ...wish.args]),
    startExec: (wish) => world.start([...execFlags(wish, '-i'), ...wish.args]),
    printed: () => world.ok(['logs', id]),
    remove: async () => void (await world.ok(['rm', '-f', id])),
  };
}

function processFlags({ user, cwd, tty, env }: ExecWish): string[] {
  return [
    ...(user === undefined ? [] : ['-u', user]),
    ...(cwd === undefined ? [] : ['-w', cwd]),
    ...(tty === true ? ['-t'] : []),
    ...(env ?? []).flatMap((entry) => ['-e', entry]),
  ];
}

function flagsOf(wish: Wish): string[] {
  return [
    '--network',
    'none',
    ...processFlags(wish),
    ...(wish.volumes ?? []).flatMap(({ source, target, readOnly }) => [
      '-v',
      `${source}:${target}${readOnly === true ? ':ro' : ''}`,
    ]),
    ...(wish.capabilities ?? []).flatMap((name) => ['--cap-add', name]),
    ...Object.entries(wish.sysctl ?? {}).flatMap(([name, value]) => ['--sysctl', `${name}=${value}`]),
  ];
}

/** A container that must start. */
export async function background(arena: Arena, wish: Wish): Promise<Inmate> {
  const begun = await arena.begin(wish);
  if ('refused' in begun) assert.fail(`${wish.args.join(' ')}: ${begun.refused}`);
  return begun;
}

/** Waits until an inmate has printed this. */
export async function printed(inmate: Inmate, text: string): Promise<void> {
  await eventually(`the inmate prints "${text}"`, async () => (await inmate.printed()).includes(text), 10_000);
}

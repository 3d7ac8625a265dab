/**
 * A container without the engine: a plan written by hand, the real shim, its socket. For the tests of the native part;
 * everything a test adds to the plan is given as steps.
 */

import assert from 'node:assert/strict';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { addon, shimPath } from '../../src/kernel/addon.ts';
import { connectShim, type Interest, type ShimClient, type ShimEvent } from '../../src/kernel/shim-client.ts';
import { encodePlan } from '../../src/runtime/plan/encode.ts';
import type { CapabilitySets } from '../../src/runtime/plan/process-steps.ts';
import type { InitStep, MountFlags, NamespaceType, Plan, ShimOptions } from '../../src/runtime/plan/steps.ts';
import { layOut } from '../harness/busybox-image.ts';
import { makeScratch } from '../harness/scratch.ts';

const mountFlag = { ro: 1, nosuid: 2, nodev: 4, noexec: 8, rec: 0x4000, private: 0x40000 } as const;

export function flags(...words: (keyof typeof mountFlag)[]): MountFlags {
  return { bits: words.reduce((bits, word) => bits | mountFlag[word], 0), words };
}

/** Docker's default set. */
export const defaultCapabilities = 0xa80425fbn;

export function capabilitySets(bits: bigint): CapabilitySets {
  return { bounding: bits, effective: bits, permitted: bits, inheritable: 0n, ambient: 0n };
}

export function identity(user = '0', bits = defaultCapabilities): InitStep {
  return {
    op: 'identity',
    user,
    group: null,
    additionalGroups: [],
    primaryGroup: true,
    capabilities: capabilitySets(bits),
  };
}

/** The exit record as the shim writes it. */
export type ExitRecord = {
  readonly exitCode: number;
  readonly signal: number;
  readonly oom: string | null;
  readonly coreDumped: boolean;
  readonly failure: { phase: number; index: number; errno: number; text: string } | null;
  readonly sender: { pid: number; uid: number; signal: number } | null;
  readonly startedAt: string | null;
  readonly finishedAt: string;
  readonly released: boolean;
};

export type ContainerWish = {
  readonly argv: readonly string[];
  readonly env?: readonly string[];
  readonly shim?: Partial<ShimOptions>;
  readonly namespaces?: readonly NamespaceType[];
  readonly spawn?: Plan['spawn'];
  readonly prepare?: Plan['prepare'];
  readonly attach?: Plan['attach'];
  readonly cleanup?: Plan['cleanup'];
  /** After the usual mounts, before pivot. */
  readonly mounts?: readonly InitStep[];
  /** After pivot, before identity. */
  readonly steps?: readonly InitStep[];
  readonly identity?: InitStep;
  readonly reaper?: boolean;
  /** Leave OP_WAIT_START out. */
  readonly immediate?: boolean;
};

/** A directory with a root file system, and room for one container and its execs. */
export type Place = {
  readonly path: string;
  readonly root: string;
  plan(wish: ContainerWish): Plan;
  /** Starts a shim; resolves when its socket listens. `name` tells several in one place apart. */
  launch(plan: Plan, name?: string): void;
  connect(interest?: Interest, name?: string): Promise<ShimClient>;
  record(name?: string): ExitRecord;
  log(name?: string): string;
  locked(name?: string): boolean;
};

const terminalSteps: readonly InitStep[] = [{ op: 'console', rows: 24, columns: 80, bindConsole: true }];

function rootSteps(root: string): InitStep[] {
  const tmpfs = { data: 'mode=755,size=65536k', optional: false } as const;
  const node = { type: 'c', mode: 0o666, uid: 0, gid: 0 } as const;
  return [
    { op: 'propagation', path: '/', flags: flags('rec', 'private') },
    { op: 'root-bind', source: root, target: root },
    { op: 'enter-root', path: root },
    {
      op: 'mount',
      fstype: 'proc',
      source: 'proc',
      target: '/proc',
      flags: flags('nosuid', 'nodev', 'noexec'),
      data: '',
      optional: false,
    },
    { op: 'mount', fstype: 'tmpfs', source: 'tmpfs', target: '/dev', flags: flags('nosuid'), ...tmpfs },
    {
      op: 'mount',
      fstype: 'devpts',
      source: 'devpts',
      target: '/dev/pts',
      flags: flags('nosuid', 'noexec'),
      data: 'newinstance,ptmxmode=0666,mode=0620,gid=5',
      optional: false,
    },
    { op: 'mknod', path: '/dev/null', major: 1, minor: 3, ...node },
    { op: 'mknod', path: '/dev/zero', major: 1, minor: 5, ...node },
    { op: 'mknod', path: '/dev/tty', major: 5, minor: 0, ...node },
  ];
}

function makePlan(path: string, root: string, wish: ContainerWish, name: string): Plan {
  const terminal = wish.shim?.terminal ?? false;
  return {
    keeper: {
      kind: 'shim',
      id: name,
      socket: join(path, `${name}.sock`),
      log: { path: join(path, `${name}.log`), maxSize: 0n, maxFiles: 1 },
      exitFile: join(path, name, 'exit'),
      reconcile: [],
      terminal: false,
      stdin: false,
      stdinOnce: false,
      startRequired: true,
      oom: null,
      ...wish.shim,
    },
    prepare: wish.prepare ?? [],
    spawn: wish.spawn ?? {
      kind: 'clone',
      namespaces: wish.namespaces ?? ['mnt', 'pid', 'net', 'uts', 'ipc'],
      join: [],
      cgroups: { unified: null, legacy: [] },
      timeOffsets: [],
    },
    attach: wish.attach ?? [],
    init: [
      ...(wish.spawn?.kind === 'join' ? [] : rootSteps(root)),
      ...(wish.mounts ?? []),
      ...(wish.spawn?.kind === 'join' ? [] : [{ op: 'pivot-root' } as const]),
      ...(wish.steps ?? []),
      ...(terminal ? terminalSteps : []),
      wish.identity ?? identity(),
      { op: 'find-executable', command: wish.argv[0] ?? '' },
      ...(wish.immediate ? [] : [{ op: 'wait-start' } as const]),
      { op: 'exec', argv: wish.argv, env: wish.env ?? ['PATH=/bin'], reaper: wish.reaper ?? false },
    ],
    cleanup: wish.cleanup ?? [],
  };
}

/** Starts the shim as the engine does; returns its wait status and what it said. */
export function spawnShim(
  bytes: Uint8Array,
  lockPath: string | undefined,
  id: string,
): { status: number; said: string } {
  const native = addon();
  const opened: number[] = [];
  const open = (fd: number): number => {
    opened.push(fd);
    return fd;
  };
  try {
    const executable = open(native.sealedExecutable(shimPath()));
    const nothing = open(openSync('/dev/null', 'r+'));
    const words = `/tmp/onggi-shim-said-${process.pid}`;
    const said = open(openSync(words, 'w+'));
    rmSync(words);
    const plan = open(native.memory('plan'));
    writeSync(plan, bytes, 0, bytes.length, 0);
    const fds = [nothing, nothing, said, plan];
    if (lockPath !== undefined) {
      const lock = open(openSync(lockPath, 'w'));
      // The shim of the container before lets go a moment after its last client left.
      native.flock(lock, 'exclusive', true);
      fds.push(lock);
    }
    const status = native.waitProcess(native.spawn(executable, ['onggi-shim', id], ['MARK=given'], fds));
    return { status, said: readFileSync(`/proc/self/fd/${said}`, 'utf8') };
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

export async function inPlace(body: (place: Place) => Promise<void>): Promise<void> {
  await using scratch = makeScratch();
  const { path } = scratch;
  const root = join(path, 'root');
  layOut(root);
  const lockOf = (name: string): string => join(path, `${name}.lock`);
  const locked = (name = 'c'): boolean => {
    const fd = openSync(lockOf(name), 'w');
    const free = addon().flock(fd, 'exclusive', false);
    closeSync(fd);
    return !free;
  };
  const names: string[] = [];
  const place: Place = {
    path,
    root,
    plan: (wish) => makePlan(path, root, wish, 'c'),
    launch: (plan, name = 'c') => {
      names.push(name);
      mkdirSync(join(path, name), { recursive: true });
      const { status, said } = spawnShim(encodePlan(plan), lockOf(name), name);
      assert.equal(status, 0, `the shim did not start: ${said}`);
    },
    connect: (interest = { stdout: true, stderr: true, reconciles: true }, name = 'c') =>
      connectShim(join(path, `${name}.sock`), interest),
    record: (name = 'c') => JSON.parse(readFileSync(join(path, name, 'exit'), 'utf8')) as ExitRecord,
    log: (name = 'c') => readFileSync(join(path, `${name}.log`), 'utf8'),
    locked,
  };
  let failed = true;
  try {
    await body(place);
    failed = false;
  } finally {
    for (const name of names) {
      // What the body says is the cause, a shim that is left only follows from it.
      const ended = await eventually(() => !locked(name));
      assert.ok(ended || failed, `the shim of "${name}" is still there`);
    }
  }
}

/** Polls until it holds; false after `limit` ms. */
export async function eventually(holds: () => boolean, limit = 5_000): Promise<boolean> {
  const end = Date.now() + limit;
  while (!holds()) {
    if (Date.now() > end) return false;
    await sleep(10);
  }
  return true;
}

export type Told = {
  readonly events: readonly ShimEvent[];
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: Extract<ShimEvent, { type: 'exit' }>;
  readonly pid: number;
  fail(): Extract<ShimEvent, { type: 'fail' }>;
};

/** Reads a client to its end, starting the container when it is created; `act` sees every event. */
export async function follow(client: ShimClient, act?: (event: ShimEvent) => void | Promise<void>): Promise<Told> {
  const events: ShimEvent[] = [];
  try {
    for await (const event of client.events) {
      events.push(event);
      await act?.(event);
      if (event.type === 'status' && event.state === 'created') client.start();
    }
  } finally {
    client.close();
  }
  const exit = events.findLast((event) => event.type === 'exit');
  assert.ok(exit, 'no exit was told');
  const text = (stream: string): string =>
    Buffer.concat(
      events.flatMap((event) => (event.type === 'output' && event.stream === stream ? [event.bytes] : [])),
    ).toString();
  return {
    events,
    stdout: text('stdout'),
    stderr: text('stderr'),
    exit,
    pid: events.reduce((pid, event) => (event.type === 'status' && event.pid > 0 ? event.pid : pid), 0),
    fail: () => {
      const fail = events.find((event) => event.type === 'fail');
      assert.ok(fail, `no step failed; the exit status is ${exit.exitCode}, stderr "${text('stderr')}"`);
      return fail;
    },
  };
}

/** A container from beginning to end in a place of its own. */
export async function runOnce(
  wish: ContainerWish,
): Promise<Told & { readonly record: ExitRecord; readonly log: string }> {
  let result: (Told & { record: ExitRecord; log: string }) | undefined;
  await inPlace(async (place) => {
    place.launch(place.plan(wish));
    const told = await follow(await place.connect());
    result = { ...told, record: place.record(), log: existsSync(join(place.path, 'c.log')) ? place.log() : '' };
  });
  assert.ok(result);
  return result;
}

/** A field of /proc/PID/status, undefined when the process is gone. */
export function statusField(pid: number, field: string): string | undefined {
  try {
    return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

/** Gone, or a zombie that its new parent has not looked after yet. */
export function ended(pid: number): Promise<boolean> {
  return eventually(() => (statusField(pid, 'State') ?? 'Z').startsWith('Z'));
}

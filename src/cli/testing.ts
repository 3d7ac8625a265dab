/** Fakes for the tests of this folder: a world whose outputs are kept, an engine that answers from a script. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerId, ContainerSummary, Ending, ImageSummary, Session, VolumeSummary } from '../engine/types.ts';
import { OnggiError } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import { canonicalName, parseReference } from '../oci/reference.ts';
import type { Context, EngineFace } from './context.ts';
import { renderFailure } from './failure.ts';
import type { Output, TerminalSize } from './output.ts';
import type { ProgramContext } from './program.ts';
import { runProgram } from './program.ts';
import type { SignalName } from './signals.ts';

export type FakeOutput = Output & { readonly text: () => string };

export function fakeOutput(size?: TerminalSize): FakeOutput {
  let text = '';
  const decoder = new TextDecoder();
  return {
    isTerminal: () => size !== undefined,
    size: () => size,
    print: (more) => {
      text += more;
    },
    write: async (bytes) => {
      text += decoder.decode(bytes, { stream: true });
    },
    text: () => text,
  };
}

export type World = Context & {
  readonly stdout: FakeOutput;
  readonly stderr: FakeOutput;
  /** Sends this process a signal; @returns whether anybody listened */
  readonly send: (name: SignalName, number: number) => boolean;
  /** Raw mode: entered, and not left yet. */
  readonly isRaw: () => boolean;
};

export type WorldOptions = {
  readonly engine?: Partial<{ [K in keyof EngineFace]: Partial<EngineFace[K]> | EngineFace[K] }>;
  readonly input?: readonly string[] | AsyncIterable<Uint8Array>;
  readonly terminal?: TerminalSize;
  readonly env?: Record<string, string>;
  readonly directory?: string;
};

export const fixedNow = Date.parse('2026-11-21T09:00:00Z');

/** @param options what is not given is missing: a call to it fails the test */
export function fakeWorld(options: WorldOptions = {}): World {
  const stderr = fakeOutput();
  const listeners = new Map<SignalName, Set<(number: number) => void>>();
  let raw = 0;
  return {
    stdin: {
      isTerminal: () => options.terminal !== undefined,
      chunks: () => chunksOf(options.input ?? []),
      raw: async () => {
        raw += 1;
        return {
          [Symbol.dispose]: () => {
            raw -= 1;
          },
        };
      },
    },
    stdout: fakeOutput(options.terminal),
    stderr,
    signals: {
      on: (names, handler) => {
        const stack = new DisposableStack();
        for (const name of names) {
          const set = listeners.get(name) ?? new Set();
          listeners.set(name, set.add(handler));
          stack.defer(() => set.delete(handler));
        }
        return stack;
      },
    },
    send: (name, number) => {
      const set = listeners.get(name) ?? new Set();
      for (const handler of set) handler(number);
      return set.size > 0;
    },
    isRaw: () => raw > 0,
    env: options.env ?? {},
    directory: options.directory ?? '/home/user',
    now: () => fixedNow,
    ordinaryUser: false,
    enterUserNamespace: async () => {},
    compiled: true,
    enterCompiled: async () => {},
    runAgain: async () => 1,
    report: (error) => stderr.print(renderFailure(error, false)),
    engine: async () => ({ registries: dockerNames, ...options.engine }) as unknown as EngineFace,
  };
}

/** Without a configuration a name means what it means for Docker. */
const dockerNames = { candidates: async (name: string) => [canonicalName(parseReference(name))] };

async function* chunksOf(input: readonly string[] | AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const chunk of input) yield typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk;
}

export type Ran = { readonly status: number; readonly stdout: string; readonly stderr: string; readonly world: World };

/** One command line in a fake world. */
export async function runFake(argv: readonly string[], options: WorldOptions = {}): Promise<Ran> {
  const world = fakeWorld(options);
  const program: ProgramContext = {
    stdout: world.stdout,
    stderr: world.stderr,
    command: ['onggi', ...argv],
    open: () => ({ ...world, [Symbol.asyncDispose]: async () => {} }),
  };
  const status = await runProgram(argv, program);
  return { status, stdout: world.stdout.text(), stderr: world.stderr.text(), world };
}

export type FakeSession = Session & {
  readonly written: () => string;
  /** What was done with it, in order: "resize 24x80", "signal 15", "stdin closed", "closed". */
  readonly log: string[];
  readonly print: (text: string, stream?: 'stdout' | 'stderr') => void;
  readonly end: (exitCode: number) => void;
  readonly fail: (error: Error) => void;
};

export function ending(exitCode: number): Ending {
  return {
    exitCode,
    signal: 0,
    oom: null,
    coreDumped: false,
    failure: null,
    sender: null,
    finishedAt: fixedNow,
    lost: false,
  };
}

/** @param script what happens when somebody attaches; without one the test drives it */
export function fakeSession(script?: (session: FakeSession) => void): FakeSession {
  const exit = Promise.withResolvers<Ending>();
  exit.promise.catch(() => {});
  const { readable, writable } = new TransformStream<{ stream: 'stdout' | 'stderr'; bytes: Uint8Array }>(
    {},
    { highWaterMark: 1000 },
    { highWaterMark: 1000 },
  );
  const writer = writable.getWriter();
  const log: string[] = [];
  let written = '';
  const session: FakeSession = {
    output: readable as unknown as Session['output'],
    exit: exit.promise,
    log,
    written: () => written,
    write: async (bytes) => {
      written += new TextDecoder().decode(bytes);
    },
    closeStdin: () => {
      log.push('stdin closed');
    },
    resize: (rows, columns) => {
      log.push(`resize ${rows}x${columns}`);
    },
    signal: (number) => {
      log.push(`signal ${number}`);
    },
    close: () => {
      log.push('closed');
    },
    [Symbol.asyncDispose]: async () => {
      log.push('closed');
    },
    print: (text, stream = 'stdout') => {
      void writer.write({ stream, bytes: new TextEncoder().encode(text) });
    },
    end: (exitCode) => {
      void writer.close();
      exit.resolve(ending(exitCode));
    },
    fail: (error) => {
      void writer.close();
      exit.reject(error);
    },
  };
  script?.(session);
  return session;
}

/** A test of a parser: [text, value] of what it takes, and [text, message] of what it refuses. */
export function testParser(
  name: string,
  parse: (text: string) => unknown,
  good: [string, unknown][],
  bad: [string, string | RegExp][],
): void {
  test(name, async (t) => {
    for (const [text, value] of good) {
      await t.test(`takes ${JSON.stringify(text)}`, () => assert.deepEqual(parse(text), value));
    }
    for (const [text, message] of bad) {
      await t.test(`refuses ${JSON.stringify(text)}`, () => {
        assert.throws(
          () => parse(text),
          (error) => {
            assert.ok(error instanceof OnggiError, String(error));
            if (typeof message === 'string') assert.equal(error.message, message);
            else assert.match(error.message, message);
            return true;
          },
        );
      });
    }
  });
}

export const containerId = 'ab'.repeat(32) as ContainerId;
export function fakeContainer(changes: Partial<ContainerSummary> = {}): ContainerSummary {
  return {
    id: containerId,
    name: 'web',
    image: 'alpine',
    imageId: `sha256:${'cd'.repeat(32)}` as Digest,
    command: ['sleep', '9'],
    created: fixedNow - 5000,
    status: 'running',
    startedAt: fixedNow - 4000,
    finishedAt: null,
    health: null,
    exitCode: null,
    ports: [],
    labels: {},
    terminal: false,
    stdin: false,
    networkMode: 'bridge',
    mounts: [],
    destinations: [],
    exposed: [],
    address: null,
    pid: 1,
    ...changes,
  };
}

export const fakeImage: ImageSummary = {
  id: `sha256:${'cd'.repeat(32)}` as Digest,
  names: ['alpine:latest', 'alpine:3'],
  digests: [`alpine@sha256:${'11'.repeat(32)}`],
  created: fixedNow - 60_000,
  size: 7_049_000,
  containers: 0,
};

export const fakeTerminal = { rows: 24, columns: 80 };

export function notFound(ref: string): OnggiError {
  return new OnggiError('not-found', `No such container: ${ref}`);
}

/** Remembers, as text, what a fake engine is asked for. */
export function fakeCalls() {
  const calls: string[] = [];
  const record =
    <R>(name: string, answer: (ref: string) => R) =>
    async (ref: string, ...rest: readonly unknown[]): Promise<R> => {
      calls.push([name, ref, ...rest.map((each) => JSON.stringify(each))].join(' '));
      return answer(ref);
    };
  return { calls, record };
}

export const fakeVolume: VolumeSummary = {
  name: 'data',
  created: fixedNow,
  anonymous: false,
  labels: { a: 'b' },
  options: {},
  mountPoint: '/var/lib/onggi/volumes/data/_data',
  used: false,
};

/**
 * Starting a launcher (native/shim/launcher.c): the parent of a container for as long as it is being made, or until it ends.
 *
 * All but the wait for the exit block: nothing else is to be done meanwhile, and a turn of the event loop costs more
 * than what is waited for. The launcher is in the caller's process group and takes no signal but SIGWINCH; whoever
 * wants the container to get the signals of a foreground command has them passed on (`passed`, `passOn`), or catches
 * them and hands them on by `signal`.
 */
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';
import { addon, native, shimPath } from './addon.ts';
import { type Descriptor, Descriptors, openNull, ownDescriptor } from './descriptor.ts';
import type { StepReport } from './frame.ts';
import { type ClientFrame, decodeFrames, type ExitReport, encodeFrame, nothing, type ShimEvent } from './frame.ts';
import { givePlan } from './plan-pipe.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { socketAddress } from './socket-address.ts';

export type { ExitReport, StepReport } from './frame.ts';

/** What is made of the words of the C side. */
export type Interpreter = {
  /** The error of a step that failed (`stepError` of the plan compiler). */
  readonly failed: (report: StepReport) => OnggiError;
  /** Hears of steps that were gone without. */
  readonly warn: (report: StepReport) => void;
};

/** What a launcher is started with. */
export type LaunchRequest = {
  /** Container or exec id: the launcher's argument, to be seen in `ps`. */
  readonly id: string;
  /** Descriptors of this process that become 0, 1 and 2; with a terminal that is relayed, what it is relayed to. */
  readonly stdio: readonly [number, number, number];
  /** Path of a socket that somebody listens on, to be sent the master of the pty; when the plan says so. */
  readonly consoleSocket?: string | undefined;
  /** As in the plan: whether the launcher stays until the process has ended. */
  readonly stay: boolean;
  /** With `stay`: signals to this process that go to the container's instead, from before it is born; see `waitExit`. */
  readonly passed?: readonly number[];
  /** Descriptors of this process that become 3, 4 and so on in the container; as many as the plan says. */
  readonly preserve: readonly number[];
  /** Absolute path: where the launcher runs, and with it the hooks that run outside; absent: where this process does. */
  readonly directory?: string;
};

export type Launch = LaunchRequest & Interpreter & { readonly plan: Uint8Array };

/** A launcher that waits for its plan. Disposing of it before it has one ends it. */
export type Waiting = Disposable & {
  /** Blocks until it is there. */
  pid(): number;
  /**
   * Call it once.
   * @param plan encoded; its keeper is a launcher with the options of the request
   * @param before done with its pid, while it still waits; what it fails with ends the launcher
   * @throws OnggiError `not-found` when the shim is not installed
   */
  launch(plan: Uint8Array, interpreter: Interpreter, before?: (pid: number) => void): Launched;
};

/**
 * Disposing of it before the start undoes what was made, afterwards it leaves the container alone; idempotent.
 */
export interface Launched extends Disposable {
  /**
   * Blocks until the process waits for its start, or runs, if the plan does not wait; without `stay`, the launcher is
   * gone then, and the process is a child of the next subreaper. Call it once.
   * @throws OnggiError of `failed`, when all that was made is gone again; `unavailable` when the launcher was killed
   */
  created(): ProcessIdentity;
  /**
   * With `stay`, lets the process that `created` has told of run, and blocks until it does.
   * @throws OnggiError of `failed`; `unavailable` when it was killed
   */
  start(): void;
  /**
   * With `stay`, resolves when the process has ended and the cleanup steps are done. Call it once, after `start`.
   * @throws OnggiError `unavailable` when the launcher was killed
   */
  exited(): Promise<ExitReport>;
  /** The same, blocking: a turn of the event loop takes longer than many a command. Signals are passed on meanwhile. */
  waitExit(): ExitReport;
  /** With `stay`, sends a signal to the process. One that has ended is no error. */
  signal(signal: number): void;
  /**
   * With `stay`: signals to this process go to the container's from now on. Once that has ended they do nothing, so
   * that who ends a container by the signals of a terminal does not cut its removal off.
   */
  passOn(signals: readonly number[]): void;
}

/** @throws OnggiError `not-found` when the shim is not installed; `not-found`, `unavailable` for the console socket */
export function launch(request: Launch, before?: (pid: number) => void): Launched {
  using waiting = launchAhead(request);
  return waiting.launch(request.plan, request, before);
}

/**
 * Starts a launcher in a thread and returns at once: while it is being executed, which takes as long as a plan does to
 * compile, the caller finds out what it is to do.
 *
 * @throws OnggiError `not-found`, `unavailable` for the console socket
 */
export function launchAhead(request: LaunchRequest): Waiting {
  const path = shimPath();
  // What only the launcher needs, and what we keep: of what has gone we hear by the end of its side.
  using handed = new Descriptors();
  using kept = new Descriptors();
  const console = handed.own(connectConsole(request.consoleSocket));
  const [planEnd, planInput] = native('make a pipe', (calls) => calls.pipe());
  handed.own(planEnd);
  kept.own(planInput);
  const [ours, theirs] = native('make a channel', (calls) => calls.packetPair());
  kept.own(ours);
  handed.own(theirs);
  const passed = setOf(request.passed ?? []);
  // Descriptors 0 and up of native/shim/launcher.c.
  const fds = [...request.stdio, planEnd, theirs, console, ...request.preserve];
  const words = ['onggi-shim', '--launch', request.id];
  const directory = request.directory ?? '';
  const ahead = native(`start "${path}"`, (calls) => calls.spawnAhead(path, true, words, [], directory, fds));
  if (passed !== 0) native('pass signals on', (calls) => calls.passSignals(ours, passed));
  const held = kept.move();
  let known: number | undefined;
  const started = (): number => {
    known ??= native(`start "${path}"`, (calls) => calls.spawned(ahead));
    return known;
  };
  let launched = false;
  return {
    pid: started,
    launch(plan, interpreter, before) {
      launched = true;
      using _ = held;
      try {
        const pid = started();
        before?.(pid);
        givePlan(planInput, plan);
        return launchedOf(pid, ownDescriptor(held.release(ours)), passed, request, interpreter);
      } catch (error) {
        stopPassing(passed);
        throw error;
      }
    },
    [Symbol.dispose]() {
      if (launched) return;
      launched = true;
      stopPassing(passed);
      try {
        const pid = started();
        held[Symbol.dispose]();
        addon().waitProcess(pid);
      } catch {
        // It was not started: whatever the caller has failed with comes first.
        held[Symbol.dispose]();
      }
    },
  };
}

function setOf(signals: readonly number[]): number {
  return signals.reduce((set, signal) => set | (1 << signal), 0);
}

function stopPassing(passed: number): void {
  if (passed !== 0) addon().passSignals(-1, passed);
}

function connectConsole(path: string | undefined): number {
  if (path === undefined) return openNull();
  using address = socketAddress(path);
  return native(`connect to the console socket "${path}"`, (calls) => calls.connectLocal(address.path));
}

function launchedOf(
  pid: number,
  channel: Descriptor,
  passed: number,
  { id, stay }: LaunchRequest,
  { failed, warn }: Interpreter,
): Launched {
  let reaped = false;
  /** After the last word the launcher ends by itself, or because the channel is closed. */
  const reap = (): void => {
    if (!reaped) {
      stopPassing(passed);
      // The number of the channel may become another descriptor's.
      addon().passSignals(-1, 0);
    }
    channel[Symbol.dispose]();
    if (reaped) return;
    reaped = true;
    native(`wait for the launcher of "${id}"`, (calls) => calls.waitProcess(pid));
  };
  const gone = (): OnggiError => {
    reap();
    return new OnggiError('unavailable', `launch "${id}": the launcher went away`, {
      hint: 'It was killed, or the machine is out of memory; try again.',
    });
  };
  /** The status that is due, once what comes before it has been told. */
  const due = (states: readonly string[]): ProcessIdentity => {
    for (;;) {
      const event = receive(channel);
      if (event === undefined) throw gone();
      if (event.type === 'warn') warn(event);
      if (event.type === 'fail') {
        reap();
        throw failed(event);
      }
      if (event.type === 'status' && states.includes(event.state)) {
        return { pid: event.pid, startTime: event.startTime };
      }
    }
  };
  const ending = (event: ShimEvent | undefined): ExitReport | undefined => {
    if (event === undefined) throw gone();
    if (event.type === 'warn') warn(event);
    if (event.type !== 'exit') return undefined;
    reap();
    return event;
  };
  return {
    created() {
      const identity = due(['created', 'running']);
      if (!stay) reap();
      return identity;
    },
    start() {
      send(channel, { type: 'start' });
      due(['running']);
    },
    waitExit() {
      for (;;) {
        const report = ending(receive(channel));
        if (report !== undefined) return report;
      }
    },
    async exited() {
      for (;;) {
        const report = ending(await receiveLater(channel));
        if (report !== undefined) return report;
      }
    },
    signal(signal) {
      if (!reaped) send(channel, { type: 'signal', signal });
    },
    passOn(signals) {
      native('pass signals on', (calls) => calls.passSignals(channel.fd, setOf(signals)));
    },
    [Symbol.dispose]: reap,
  };
}

/**
 * Lets a container run that was created without `stay`, and blocks until it does. Two at the same time would disturb
 * each other: the caller holds the container's lock.
 *
 * @param fifo the plan's start fifo
 * @throws OnggiError of `failed`; `conflict` when nobody waits there: it was started before, or has ended
 */
export function startCreated(fifo: string, { failed, warn }: Interpreter): void {
  using said = openStart(fifo);
  using answered = native(`open "${fifo}.reply"`, (calls) => ownDescriptor(calls.openFifo(`${fifo}.reply`)));
  try {
    addon().writeAll(said.fd, encodeFrame({ type: 'start' }));
  } catch (error) {
    throw errnoOf(error) === 'EPIPE' ? notWaiting(error) : fromSystemError(error, `write to "${fifo}"`);
  }
  // The word "running" comes right before exec; then the end of file, by the exec, says that it has succeeded.
  let runs = false;
  let rest = nothing;
  for (;;) {
    const bytes = native(`read from "${fifo}.reply"`, (calls) => calls.readOnce(answered.fd));
    if (bytes.length === 0) break;
    const decoded = decodeFrames(rest, bytes);
    rest = decoded.rest;
    for (const event of decoded.events) {
      if (event.type === 'warn') warn(event);
      if (event.type === 'fail') throw failed(event);
      if (event.type === 'status') runs = true;
    }
  }
  if (!runs) throw new OnggiError('unavailable', 'start the container: its first process was killed');
}

/** Without waiting: nobody reads from the fifo of a container that runs or has ended (ENXIO). */
function openStart(fifo: string): Descriptor {
  try {
    const { constants, openSync } = process.getBuiltinModule('node:fs');
    return ownDescriptor(openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW));
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENXIO') throw notWaiting(error);
    throw fromSystemError(error, `open "${fifo}"`);
  }
}

function notWaiting(cause?: unknown): OnggiError {
  return new OnggiError('conflict', 'start the container: it does not wait for its start', {
    cause,
    hint: 'It was started before, or has ended; look at its state.',
  });
}

function send(channel: Descriptor, frame: ClientFrame): void {
  try {
    addon().sendPacket(channel.fd, encodeFrame(frame));
  } catch (error) {
    // Whoever has gone is found out by reading.
    if (errnoOf(error) !== 'EPIPE' && errnoOf(error) !== 'ECONNRESET')
      throw fromSystemError(error, 'write to a launcher');
  }
}

/** One packet, one frame; undefined at the end. */
function eventOf(packet: Uint8Array): ShimEvent | undefined {
  return packet.length === 0 ? undefined : decodeFrames(nothing, packet).events[0];
}

function receive(channel: Descriptor): ShimEvent | undefined {
  try {
    return eventOf(addon().readOnce(channel.fd));
  } catch (error) {
    if (errnoOf(error) === 'ECONNRESET') return undefined;
    throw fromSystemError(error, 'read from a launcher');
  }
}

function receiveLater(channel: Descriptor): Promise<ShimEvent | undefined> {
  const buffer = Buffer.alloc(4096);
  return new Promise((resolve, reject) => {
    process.getBuiltinModule('node:fs').read(channel.fd, buffer, 0, buffer.length, null, (error, length) => {
      if (error === null) resolve(eventOf(buffer.subarray(0, length)));
      else if (errnoOf(error) === 'ECONNRESET') resolve(undefined);
      else reject(fromSystemError(error, 'read from a launcher'));
    });
  });
}

/**
 * Frames of the shim's attach socket as values, and the client's side of its protocol as a state machine. The diagram
 * and the layout stand in `native/shim/protocol.h`. Pure.
 *
 * Round trip: `decodeFrames(encodeFrame(f))` is what the shim reads; the bytes that it writes become `ShimEvent`s.
 */
import { OnggiError } from '../errors.ts';

/** FRAME_MAX: bytes of payload. */
export const frameMax = 65536;
const headerSize = 8;

export type ClientFrame =
  | { readonly type: 'hello'; readonly interest: Interest }
  /** At most `frameMax` bytes. */
  | { readonly type: 'stdin'; readonly bytes: Uint8Array }
  | { readonly type: 'stdin-eof' }
  | { readonly type: 'resize'; readonly rows: number; readonly columns: number }
  | { readonly type: 'signal'; readonly signal: number }
  | { readonly type: 'start' }
  | { readonly type: 'check' }
  | { readonly type: 'kill-all' }
  /** Milliseconds, at most a minute. */
  | { readonly type: 'linger'; readonly milliseconds: number };

/** What a client wants of the shim (enum hello_flag). */
export type Interest = {
  readonly stdin?: boolean;
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  /** This client will reconcile after the exit; the shim waits for its close. */
  readonly reconciles?: boolean;
};

export const shimStates = ['creating', 'created', 'running', 'exited'] as const;
export type ShimState = (typeof shimStates)[number];

export const phases = ['keeper', 'prepare', 'attach', 'init', 'cleanup'] as const;
export type Phase = (typeof phases)[number];

/** A step that failed or was gone without. */
export type StepReport = {
  readonly phase: Phase;
  /** Index of the step in the whole plan; 0 is the keeper's own record. */
  readonly step: number;
  /** Positive errno. */
  readonly errno: number;
  readonly text: string;
};

export type ExitReport = {
  readonly exitCode: number;
  /** Signal that killed the init, 0 for none. */
  readonly signal: number;
  readonly oom: 'cgroup' | 'host' | null;
  readonly coreDumped: boolean;
  readonly neverRan: boolean;
  /** Nothing of it is left in the kernel but its shim. */
  readonly released: boolean;
  readonly sender: { readonly pid: number; readonly uid: number; readonly signal: number } | null;
  /** Nanoseconds since the epoch. */
  readonly finishedAt: bigint;
};

export type ShimEvent =
  | { readonly type: 'status'; readonly state: ShimState; readonly pid: number; readonly startTime: bigint }
  | { readonly type: 'output'; readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }
  | ({ readonly type: 'exit' } & ExitReport)
  | ({ readonly type: 'fail' } & StepReport)
  | ({ readonly type: 'warn' } & StepReport)
  /** A health check has ended; its exit status is -1 when it could not be made. */
  | { readonly type: 'health'; readonly status: (typeof healthWords)[number]; readonly exitCode: number };

/** enum health_status */
const healthWords = ['starting', 'healthy', 'unhealthy'] as const;

const clientTypes = {
  hello: 1,
  stdin: 2,
  'stdin-eof': 3,
  resize: 4,
  signal: 5,
  start: 6,
  'kill-all': 7,
  linger: 8,
  check: 9,
} as const satisfies Record<ClientFrame['type'], number>;

function interestFlags({ stdin, stdout, stderr, reconciles }: Interest): number {
  return (stdin ? 1 : 0) | (stdout ? 2 : 0) | (stderr ? 4 : 0) | (reconciles ? 8 : 0);
}

function payloadOf(frame: ClientFrame): Uint8Array {
  switch (frame.type) {
    case 'stdin':
      return frame.bytes;
    case 'resize': {
      const payload = Buffer.alloc(4);
      payload.writeUInt16LE(frame.rows, 0);
      payload.writeUInt16LE(frame.columns, 2);
      return payload;
    }
    case 'signal':
      return number(frame.signal);
    case 'linger':
      return number(frame.milliseconds);
    default:
      return new Uint8Array();
  }
}

function number(value: number): Uint8Array {
  const payload = Buffer.alloc(4);
  payload.writeUInt32LE(value);
  return payload;
}

/** @throws OnggiError `internal` for stdin longer than `frameMax`; RangeError for numbers out of their field */
export function encodeFrame(frame: ClientFrame): Uint8Array {
  const payload = payloadOf(frame);
  if (payload.length > frameMax)
    throw new OnggiError('internal', `frame of ${payload.length} bytes: above ${frameMax}`);
  const bytes = Buffer.alloc(headerSize + payload.length);
  bytes.writeUInt8(clientTypes[frame.type], 0);
  bytes.writeUInt8(frame.type === 'hello' ? interestFlags(frame.interest) : 0, 1);
  bytes.writeUInt32LE(payload.length, 4);
  bytes.set(payload, headerSize);
  return bytes;
}

type Decode = (payload: Buffer) => ShimEvent;

function output(stream: 'stdout' | 'stderr'): Decode {
  return (bytes) => ({ type: 'output', stream, bytes });
}

function pick<T>(words: readonly T[], index: number, what: string): T {
  const word = words[index];
  if (word === undefined) throw corrupt(`${what} ${index}`);
  return word;
}

function decodeStatus(payload: Buffer): ShimEvent {
  exactly(payload, 16);
  const state = pick(shimStates, payload.readUInt32LE(0), 'state');
  return { type: 'status', state, pid: payload.readUInt32LE(4), startTime: payload.readBigUInt64LE(8) };
}

const exitFlags = { oomCgroup: 1, oomHost: 2, coreDumped: 4, neverRan: 8, released: 16 } as const;

function decodeExit(payload: Buffer): ShimEvent {
  exactly(payload, 32);
  const flags = payload.readUInt32LE(8);
  const signal = payload.readUInt32LE(20);
  return {
    type: 'exit',
    exitCode: payload.readUInt32LE(0),
    signal: payload.readUInt32LE(4),
    oom: flags & exitFlags.oomCgroup ? 'cgroup' : flags & exitFlags.oomHost ? 'host' : null,
    coreDumped: (flags & exitFlags.coreDumped) !== 0,
    neverRan: (flags & exitFlags.neverRan) !== 0,
    released: (flags & exitFlags.released) !== 0,
    sender: signal === 0 ? null : { pid: payload.readUInt32LE(12), uid: payload.readUInt32LE(16), signal },
    finishedAt: payload.readBigUInt64LE(24),
  };
}

function decodeHealth(payload: Buffer): ShimEvent {
  exactly(payload, 8);
  return {
    type: 'health',
    status: pick(healthWords, payload.readUInt32LE(0), 'health status'),
    exitCode: payload.readInt32LE(4),
  };
}

/** The payload of FRAME_FAIL and FRAME_WARN, and what the shim writes when it can't start. */
export function decodeReport(payload: Buffer): StepReport {
  if (payload.length < 12) throw corrupt(`report of ${payload.length} bytes`);
  return {
    phase: pick(phases, payload.readUInt32LE(0), 'phase'),
    step: payload.readUInt32LE(4),
    errno: payload.readUInt32LE(8),
    text: payload.toString('utf8', 12),
  };
}

const decoders: Readonly<Record<number, Decode>> = {
  32: decodeStatus,
  33: output('stdout'),
  34: output('stderr'),
  35: decodeExit,
  36: (payload) => ({ type: 'fail', ...decodeReport(payload) }),
  37: (payload) => ({ type: 'warn', ...decodeReport(payload) }),
  38: decodeHealth,
};

function exactly(payload: Buffer, length: number): void {
  if (payload.length !== length) throw corrupt(`payload of ${payload.length} bytes instead of ${length}`);
}

function corrupt(found: string): OnggiError {
  return new OnggiError('corrupt', `message of the shim: ${found}`);
}

/** Bytes of a frame that has not arrived in full. */
export type Remainder = Buffer;
export const nothing: Remainder = Buffer.alloc(0);

/**
 * The whole frames in `rest` and `chunk`, and what is left. Payloads of output are views of the chunk, not copies.
 * No more than one frame (`frameMax` and its header) is ever kept.
 *
 * @throws OnggiError `corrupt`
 */
export function decodeFrames(rest: Remainder, chunk: Uint8Array): { events: ShimEvent[]; rest: Remainder } {
  const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const bytes = rest.length === 0 ? view : Buffer.concat([rest, view]);
  const events: ShimEvent[] = [];
  let offset = 0;
  while (bytes.length - offset >= headerSize) {
    const type = bytes.readUInt8(offset);
    const length = bytes.readUInt32LE(offset + 4);
    const decode = decoders[type];
    if (decode === undefined) throw corrupt(`unknown type ${type}`);
    if (length > frameMax) throw corrupt(`frame of ${length} bytes, above ${frameMax}`);
    const end = offset + headerSize + length;
    if (end > bytes.length) break;
    events.push(decode(bytes.subarray(offset + headerSize, end)));
    offset = end;
  }
  return { events, rest: bytes.subarray(offset) };
}

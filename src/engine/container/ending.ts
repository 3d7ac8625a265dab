/** What ended a container: the shim's exit record, read, kept and put into words. Pure but for `readEnding`. */
import { constants } from 'node:os';
import * as v from 'valibot';
import { OnggiError } from '../../errors.ts';
import { readTextIfThere } from '../../kernel/text-file.ts';
import type { ContainerSummary, Ending } from '../types.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** The shim's exit record (native/shim/ending.c). Written by us, but a disk can lie: checked all the same. */
const exitRecord = v.object({
  exitCode: count,
  signal: count,
  oom: v.nullable(v.picklist(['cgroup', 'host'])),
  coreDumped: v.boolean(),
  failure: v.nullable(v.object({ phase: count, index: count, errno: count, text: v.string() })),
  sender: v.nullable(v.object({ pid: count, uid: count, signal: count })),
  finishedAt: v.pipe(v.string(), v.regex(/^\d{1,20}$/)),
  released: v.optional(v.boolean(), false),
});

export type ExitRecord = v.InferOutput<typeof exitRecord>;

/** @throws OnggiError `corrupt` */
export function parseExitRecord(text: string): ExitRecord {
  const parsed = v.safeParse(exitRecord, parseJson(text));
  if (!parsed.success) {
    throw new OnggiError('corrupt', `exit record: ${parsed.issues[0].message}`);
  }
  return parsed.output;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new OnggiError('corrupt', 'exit record: not JSON', { cause: error });
  }
}

export function endingOf(record: ExitRecord): Ending {
  return {
    exitCode: record.exitCode,
    signal: record.signal,
    oom: record.oom,
    coreDumped: record.coreDumped,
    failure: record.failure?.text ?? null,
    sender: record.sender,
    finishedAt: Number(BigInt(record.finishedAt) / 1_000_000n),
    lost: false,
  };
}

/** How a container ended, and whether its shim has taken its cgroups away, too. */
export type FoundEnding = { readonly ending: Ending; readonly released: boolean };

/** The ending as the shim recorded it at `path`, undefined when it recorded none. */
export function readEnding(path: string): FoundEnding | undefined {
  const text = readTextIfThere(path, [], `read exit record "${path}"`);
  if (text === undefined) return undefined;
  const record = parseExitRecord(text);
  return { ending: endingOf(record), released: record.released };
}

/** The shim was killed, or the machine went down, before it could record: its container was killed with it. */
export function lostEnding(now: number): Ending {
  return {
    exitCode: 137,
    signal: 9,
    oom: null,
    coreDumped: false,
    failure: null,
    sender: null,
    finishedAt: now,
    lost: true,
  };
}

const signalNames = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

export function signalName(signal: number): string {
  return signalNames.get(signal) ?? `signal ${signal}`;
}

/** The answer of `why`, one fact a sentence. */
export function explainEnding(
  container: ContainerSummary,
  ending: Ending | null,
  memoryLimit: number | null,
): string[] {
  if (container.status === 'created') return ['It was never started.'];
  if (ending === null) return [`It is running, as process ${container.pid ?? '(unknown)'}.`];
  if (ending.lost) {
    return [
      'Its shim ended without recording how: it was killed (SIGKILL), or the machine went down.',
      'The container was killed with its shim; 137 stands for that.',
    ];
  }
  if (ending.failure !== null) return [`The command never ran: ${ending.failure}.`, `Exit status ${ending.exitCode}.`];
  return [...howItEnded(ending), ...outOfMemory(ending, memoryLimit), ...whoSent(ending)];
}

function howItEnded(ending: Ending): string[] {
  if (ending.signal !== 0) {
    const core = ending.coreDumped ? ', and dumped core' : '';
    return [`It was killed by ${signalName(ending.signal)} (exit status ${ending.exitCode})${core}.`];
  }
  if (ending.exitCode === 0) return ['Its command ended by itself, with success (exit status 0).'];
  // A shell, and an init such as --init's, passes on the death of its child as 128 + signal.
  const passedOn =
    ending.exitCode > 128 && ending.exitCode <= 128 + 64 ? signalNames.get(ending.exitCode - 128) : undefined;
  const meaning = passedOn === undefined ? '' : `, which shells use for "${passedOn} killed my child"`;
  return [`Its command ended by itself with exit status ${ending.exitCode}${meaning}.`];
}

function outOfMemory(ending: Ending, memoryLimit: number | null): string[] {
  if (ending.oom === 'cgroup') {
    const limit = memoryLimit === null ? '' : ` of ${memoryLimit} bytes`;
    return [`The kernel's OOM killer struck inside it: its own memory limit${limit} was reached.`];
  }
  if (ending.oom === 'host') {
    return ["The kernel's OOM killer struck inside it: the machine, or a cgroup above it, ran out of memory."];
  }
  return [];
}

function whoSent({ sender, signal, oom }: Ending): string[] {
  if (sender !== null) {
    return [`${signalName(sender.signal)} was sent by process ${sender.pid} of user ${sender.uid}.`];
  }
  if (signal === constants.signals.SIGKILL && oom === null) {
    return ['The signal did not pass through its shim, and the kernel does not tell who sent it.'];
  }
  return [];
}

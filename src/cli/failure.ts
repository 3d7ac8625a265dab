/** How errors are shown and what exit status they give. Pure. */
import { codes, OnggiError } from '../errors.ts';
import type { Command } from './definition.ts';
import { visible } from './format/visible.ts';

/** Docker's status for everything that is the engine's fault or the command line's. */
export const engineFailure = 125;

/** Those that say what became of the command of a container. */
const commandStatuses: ReadonlySet<number> = new Set([126, 127]);

/** @param command that failed: `failure` is the status of errors that have none of their own with it, 1 if absent */
export function exitStatus(error: unknown, command: Pick<Command, 'failure' | 'tellsOfCommand'>): number {
  const otherwise = command.failure ?? 1;
  if (!(error instanceof OnggiError)) return otherwise;
  const { exit } = codes[error.code];
  if (exit === 1 || (commandStatuses.has(exit) && command.tellsOfCommand !== true)) return otherwise;
  return exit;
}

/** What another process of this program has told on the same standard error. */
export class ToldError extends OnggiError {}

/**
 * "onggi: what was asked, what was found", then what to do about it; with `debug` also where it came from.
 * An error that is no OnggiError is a defect: it is shown with its place, so that it can be reported.
 */
export function renderFailure(error: unknown, debug: boolean): string {
  if (error instanceof ToldError && !debug) return '';
  const lines = [`onggi: ${messageOf(error)}`];
  if (error instanceof OnggiError && error.hint !== undefined) lines.push(error.hint);
  if (debug) lines.push(...traceOf(error));
  else if (!(error instanceof OnggiError)) lines.push("This is a defect of onggi; 'onggi --debug ...' shows more.");
  return visible(`${lines.join('\n')}\n`);
}

function messageOf(error: unknown): string {
  if (error instanceof OnggiError) return error.message;
  return `internal error: ${error instanceof Error ? error.message : String(error)}`;
}

/** The stack of the error and of its causes; what a disposal suppressed counts as one. */
export function traceOf(error: unknown): string[] {
  const traces: string[] = [];
  const seen = new Set<unknown>();
  for (let current: unknown = error; current !== undefined && !seen.has(current); ) {
    seen.add(current);
    const stack = current instanceof Error ? (current.stack ?? current.message) : String(current);
    traces.push(traces.length === 0 ? stack : `caused by ${stack}`);
    if (current instanceof SuppressedError) traces.push(`while handling ${String(current.suppressed)}`);
    current = current instanceof SuppressedError ? current.error : current instanceof Error ? current.cause : undefined;
  }
  return traces;
}

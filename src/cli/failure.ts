/** How errors are shown and what exit status they give. Pure. */
import { codes, OnggiError } from '../errors.ts';
import { visible } from './format/visible.ts';

/** Docker's status for everything that is the engine's fault or the command line's. */
export const engineFailure = 125;

/** @param otherwise the status of errors that have none of their own, by the command that failed */
export function exitStatus(error: unknown, otherwise: number): number {
  if (!(error instanceof OnggiError)) return otherwise;
  const { exit } = codes[error.code];
  return exit === 1 ? otherwise : exit;
}

/**
 * "onggi: what was asked, what was found", then what to do about it; with `debug` also where it came from.
 * An error that is no OnggiError is a defect: it is shown with its place, so that it can be reported.
 */
export function renderFailure(error: unknown, debug: boolean): string {
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

/** What criu's failures come to. Acts (reads its log). */
import { readFileSync } from 'node:fs';
import { OnggiError } from '../errors.ts';
import { lastErrors } from './command.ts';

const longestLine = 300;

/** criu needs nearly every capability, in the machine's own user namespace. @throws OnggiError `denied` */
export function checkRoot(what: string): void {
  if (process.geteuid?.() !== 0) throw new OnggiError('denied', `${what}: criu can do it for root only`);
}

export function criuMissing(error: unknown): OnggiError {
  return new OnggiError('not-found', 'run "criu": it is not installed, or can not be executed', {
    cause: error,
    hint: 'Install criu; "criu check" tells whether it works with this kernel.',
  });
}

/**
 * @param log path of the log that criu has just written
 * @param printed what it has printed, when it did not come to writing one
 */
export function criuFailed(what: string, log: string, printed = ''): OnggiError {
  let found = '';
  try {
    found = lastErrors(readFileSync(log, 'utf8'));
  } catch {
    found = printed.trim().split('\n').at(-1)?.slice(0, longestLine) ?? '';
  }
  return new OnggiError('internal', `${what}: criu failed${found === '' ? '' : `: ${found}`}`, {
    hint: `See "${log}"; "criu check" tells whether criu works with this kernel.`,
  });
}

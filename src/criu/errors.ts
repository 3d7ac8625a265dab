/** What criu's failures come to. Acts (reads its log). */
import { readFileSync } from 'node:fs';
import { OnggiError } from '../errors.ts';

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

/** The last errors of a log of criu, for a message. */
export function lastErrors(log: string): string {
  const errors = log.split('\n').filter((line) => /\bError \(/.test(line));
  return errors
    .slice(-3)
    .map((line) => line.replace(/^\([\d.]+\)\s*/, '').trim())
    .join('; ');
}

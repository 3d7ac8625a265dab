/** Processes as ps(1) shows them. Acts: runs ps. */
import { spawnSync } from 'node:child_process';
import { fromSystemError, OnggiError } from '../errors.ts';

/** Bytes of output; a line takes some hundred, and a container can have as many processes as the machine. */
const longest = 64 << 20;

/**
 * The lines of ps that are about these processes, below its heading. ps has no way to be given a long list of pids
 * besides the caller's options, so its output is filtered, as runc does it.
 *
 * @param options of ps; "-ef" if there are none
 * @throws OnggiError `not-found` when ps is not installed, `invalid` when it refuses the options or has no PID column
 */
export function showProcesses(pids: readonly number[], options: readonly string[]): string {
  return processLines(pids, options)
    .map((line) => `${line}\n`)
    .join('');
}

/** As `showProcesses`, line by line; the heading is the first. */
export function processLines(pids: readonly number[], options: readonly string[]): string[] {
  const args = options.length === 0 ? ['-ef'] : options;
  const { error, status, stdout, stderr } = spawnSync('ps', args, {
    encoding: 'utf8',
    maxBuffer: longest,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (error !== undefined) throw fromSystemError(error, 'run "ps"');
  if (status !== 0)
    throw new OnggiError('invalid', `ps ${args.join(' ')}: ${stderr.trim() || `exit status ${status}`}`);
  return selectLines(stdout, new Set(pids.map(String)));
}

/** Pure. @throws OnggiError `invalid` without a PID column */
export function selectLines(output: string, pids: ReadonlySet<string>): string[] {
  const [heading = '', ...lines] = output.split('\n');
  const column = words(heading).indexOf('PID');
  if (column < 0) {
    throw new OnggiError('invalid', "ps: couldn't find the PID field in its output", {
      hint: 'Choose options of ps that show it.',
    });
  }
  const chosen = lines.filter((line) => pids.has(words(line)[column] ?? ''));
  return [heading, ...chosen];
}

function words(line: string): string[] {
  return line.trim().split(/\s+/);
}

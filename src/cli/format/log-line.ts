/** Log entries of one or several containers as `logs` shows them. Pure. */
import type { LogEntry } from '../../engine/types.ts';

export type LogLineOptions = {
  readonly timestamps: boolean;
  /** What the log driver was told to note beside each entry; a blank where there is nothing. */
  readonly details: boolean;
  readonly color: boolean;
};

/** Of the foreground (ECMA-48, SGR), one for each container in turn. */
const colors = [36, 33, 32, 35, 34, 31] as const;

export type LogPrinter = (source: number, entry: LogEntry) => string;

/**
 * @param prefixes what stands before each line, by container; null for none
 * @returns a function that keeps track of lines that are not finished: another container's begin on a line of their own
 */
export function logPrinter(prefixes: readonly (string | null)[], options: LogLineOptions): LogPrinter {
  const marked = options.color || prefixes.some((prefix) => prefix !== null);
  let open: string | undefined;
  return (source, { stream, time, text, attributes }) => {
    const key = `${source} ${stream}`;
    const continues = open === key;
    const broken = marked && open !== undefined && !continues ? '\n' : '';
    const ended = text.endsWith('\n');
    open = ended ? undefined : key;
    const prefix = prefixes[source] ?? null;
    const head = [
      ...(prefix === null || continues ? [] : [prefix]),
      ...(options.timestamps ? [time] : []),
      ...(options.details ? [detailsText(attributes)] : []),
    ];
    const line = [...head, text].join(' ');
    return broken + (options.color ? colored(line, source, ended) : line);
  };
}

function colored(line: string, source: number, ended: boolean): string {
  const color = colors[source % colors.length];
  return ended ? `\x1b[${color}m${line.slice(0, -1)}\x1b[0m\n` : `\x1b[${color}m${line}\x1b[0m`;
}

/** "env=prod,tier=a%2Cb", as Docker's daemon writes them (moby, api/server/httputils/write_log_stream.go). */
function detailsText(attributes: Readonly<Record<string, string>> = {}): string {
  return Object.entries(attributes)
    .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
    .sort()
    .join(',');
}

/** url.QueryEscape of Go. */
function escaped(text: string): string {
  const more = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, more)
    .replaceAll('%20', '+');
}

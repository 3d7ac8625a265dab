/** What the row of a container keeps for lists, so that they need not be made of its record each time. Pure. */
import type { Asked } from '../container/container.ts';
import type { PortMapping } from '../types.ts';
import { portsText, shownPorts } from './ports.ts';

/** As a command is shown: words that have blanks are told apart by quotes. */
export function commandLine(words: readonly string[]): string {
  let line = '';
  for (const word of words) line += word.includes(' ') ? ` '${word}'` : ` ${word}`;
  return line.slice(1);
}

/** Characters of a command that a list shows at most. */
const longest = 64;

/** What stands in a list, and between quotes, as it is. */
const plainImage = /^[!-~]{1,63}$/;
const plainLine = /^[ !#-[\]-~]*$/;

/**
 * The beginning of its command line. Null where a list shows what the row does not tell: a health check, or a command or
 * an image that has to be escaped.
 */
export function listedCommand({ args, health, options }: Asked): string | null {
  const line = commandLine(args).slice(0, longest);
  const isPlain = plainImage.test(options.image) && plainLine.test(line);
  return isPlain && (health?.test ?? null) === null ? line : null;
}

/** What is published while it runs, and what it listens on. */
export function listedPorts(exposed: readonly string[], published: readonly PortMapping[]): string {
  return exposed.length + published.length === 0 ? '' : portsText(shownPorts(published, exposed));
}

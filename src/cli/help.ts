/** Help texts in the shape of Docker's. Pure: the width comes from the caller. */
import type { Command, Flag } from './definition.ts';

export type HelpSubject = {
  /** Words after the program's name: "container ls". */
  readonly name: string;
  readonly summary: string;
  /** Every way to say it, "container ls" and "ps". */
  readonly names: readonly string[];
  readonly command: Command;
};

/** The word that a user types. */
export const program = 'onggi';

/** A flag's usage keeps this many columns at least, else it starts on a line of its own. */
const narrowest = 24;

export function commandHelp(subject: HelpSubject, width: number): string {
  const { command, names } = subject;
  const sections = [usageLine(subject.name, command), subject.summary];
  if (names.length > 1) {
    sections.push(`Aliases:\n  ${names.map((name) => `${program} ${name}`).join(', ')}`);
  }
  const { examples = [] } = command;
  if (examples.length > 0) {
    sections.push(`Examples:\n${examples.map(({ line, says }) => `  # ${says}\n  ${program} ${line}`).join('\n')}`);
  }
  const flags = flagLines(command.flags, width);
  if (flags !== '') sections.push(`Options:\n${flags}`);
  return `${sections.join('\n\n')}\n`;
}

export function usageLine(name: string, command: Pick<Command, 'usage'>): string {
  return `Usage:  ${[program, name, command.usage].filter((word) => word !== '').join(' ')}`;
}

/** "Run 'onggi ps --help' for more information" in the words that Docker's users know. */
export function seeHelp(name: string): string {
  return `Run '${[program, name, '--help'].filter((word) => word !== '').join(' ')}' for more information`;
}

/** One paragraph for each flag, by name: shorthand, name, type, then the wrapped description. */
export function flagLines(flags: Readonly<Record<string, Flag>>, width: number): string {
  const rows = Object.entries(flags)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, flag]) => ({ head: flagHead(name, flag), text: flagText(flag) }));
  const indent = Math.max(0, ...rows.map(({ head }) => head.length)) + 3;
  const room = width - 1 - indent;
  return rows
    .map(({ head, text }) => {
      const fits = room >= narrowest;
      const lines = wrap(text, fits ? room : Math.max(narrowest, width - 1 - 16));
      if (fits) return `${head.padEnd(indent)}${lines.join(`\n${' '.repeat(indent)}`)}`;
      return [head, ...lines.map((line) => ' '.repeat(16) + line)].join('\n');
    })
    .join('\n');
}

export function flagHead(name: string, flag: Flag): string {
  const short = flag.short === undefined ? '      ' : `  -${flag.short}, `;
  return `${short}--${name}${flag.kind === 'switch' ? '' : ` ${flag.type}`}`;
}

/** The description with the default, where that is worth knowing. */
export function flagText(flag: Flag): string {
  if (flag.kind === 'switch') return flag.initial ? `${flag.help} (default true)` : flag.help;
  return flag.kind === 'single' && flag.shown !== undefined ? `${flag.help} (default ${flag.shown})` : flag.help;
}

/** Lines of at most `width` columns, broken at blanks; longer words stay whole, line breaks are kept. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else {
        line = line === '' ? word : `${line} ${word}`;
      }
    }
    lines.push(line);
  }
  return lines;
}

export type Group = { readonly title: string; readonly rows: readonly (readonly [name: string, summary: string])[] };

/** Name and summary in two columns, one block for each group. */
export function groupLines(groups: readonly Group[]): string {
  const indent = Math.max(0, ...groups.flatMap(({ rows }) => rows.map(([name]) => name.length))) + 4;
  return groups
    .map(({ title, rows }) => {
      const lines = rows.map(([name, summary]) => `  ${name}`.padEnd(indent) + summary);
      return [`${title}:`, ...lines].join('\n');
    })
    .join('\n\n');
}

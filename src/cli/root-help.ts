/** What `onggi --help` prints. Pure. */
import type { Flags } from './definition.ts';
import { flagLines, groupLines, program, usageLine } from './help.ts';
import { commands, type Entry, mainName, managers } from './table.ts';

export function rootHelp(flags: Flags, width: number): string {
  const groups = [
    { title: 'Common Commands', rows: commands.filter(({ group }) => group === 'common').map(row) },
    { title: 'Management Commands', rows: Object.entries(managers) },
    // Those that only exist below a management command are listed there.
    {
      title: 'Commands',
      rows: commands
        .filter((entry) => entry.group === 'other' && !mainName(entry).includes(' '))
        .map(row)
        .sort(([one], [other]) => (one < other ? -1 : 1)),
    },
  ];
  const sections = [
    usageLine('', { usage: '[OPTIONS] COMMAND' }),
    'A container platform without a daemon',
    groupLines(groups),
    `Global Options:\n${flagLines(flags, width)}`,
    `Run '${program} COMMAND --help' for more information on a command.`,
  ];
  return `${sections.join('\n\n')}\n`;
}

function row(entry: Entry): readonly [string, string] {
  return [mainName(entry), entry.summary];
}

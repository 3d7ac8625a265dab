/** Help of `onggi-runtime` in the shape of runc's. Pure. */
import type { Flag, Flags } from '../definition.ts';
import type { RuntimeCommand } from './definition.ts';

export const runtimeName = 'onggi-runtime';

export type Summary = readonly [name: string, summary: string];

export function commandHelp(name: string, summary: string, command: RuntimeCommand): string {
  const sections = [
    `NAME:\n   ${runtimeName} ${name} - ${summary}`,
    `USAGE:\n   ${runtimeName} ${name} ${command.usage}`.trimEnd(),
  ];
  if (command.description !== undefined) sections.push(`DESCRIPTION:\n${indent(command.description)}`);
  const options = optionLines(command.flags);
  if (options !== '') sections.push(`OPTIONS:\n${options}`);
  return `${sections.join('\n\n')}\n`;
}

export function programHelp(versions: string, commands: readonly Summary[], globals: Flags): string {
  const rows = [...commands, ['help, h', 'Shows a list of commands or help for one command'] as const];
  return `${[
    `NAME:\n   ${runtimeName} - Open Container Initiative runtime`,
    `USAGE:\n   ${runtimeName} [global options] command [command options] [arguments...]`,
    `VERSION:\n${indent(versions)}`,
    `COMMANDS:\n${columns(rows)}`,
    `GLOBAL OPTIONS:\n${optionLines(globals)}`,
  ].join('\n\n')}\n`;
}

function optionLines(flags: Flags): string {
  const rows = Object.entries(flags).map(([name, flag]) => [flagHead(name, flag), flagText(flag)] as const);
  return columns(rows);
}

function flagHead(name: string, flag: Flag): string {
  const value = flag.kind === 'switch' ? '' : ' value';
  const words = [`--${name}${value}`, ...(flag.short === undefined ? [] : [`-${flag.short}${value}`])];
  return words.join(', ');
}

function flagText(flag: Flag): string {
  return flag.kind === 'single' && flag.shown !== undefined ? `${flag.help} (default: ${flag.shown})` : flag.help;
}

function columns(rows: readonly Summary[]): string {
  const width = Math.max(0, ...rows.map(([head]) => head.length)) + 2;
  return rows.map(([head, text]) => `   ${head.padEnd(width)}${text}`.trimEnd()).join('\n');
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : `   ${line}`))
    .join('\n');
}

/** The completion script of bash, from the table of commands. */
import type { Command, Completion, Flags } from './definition.ts';
import { program } from './help.ts';
import { commands, mainName, managers } from './table.ts';

/** What a shell runs to offer names; `files` is left to the shell. */
const offers: Readonly<Record<Completion, string>> = {
  containers: `$(${program} ps -a --format '{{.Names}}' 2>/dev/null)`,
  running: `$(${program} ps --format '{{.Names}}' 2>/dev/null)`,
  images: `$(${program} images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null)`,
  volumes: `$(${program} volume ls -q 2>/dev/null)`,
  files: '',
  none: '',
};

/** Loads the definition of every command. */
export async function bashCompletion(globalFlags: Flags): Promise<string> {
  const shown = commands.filter(({ group }) => group !== 'internal');
  const cases = await Promise.all(
    shown.map(async (entry) => {
      const { command } = await entry.load();
      return caseOf(entry.names, command);
    }),
  );
  const managerCases = Object.keys(managers).map((manager) => {
    const own = shown.flatMap(({ names }) => names.filter((name) => name.startsWith(`${manager} `)));
    return `    ${manager}) words='${own.map((name) => name.slice(manager.length + 1)).join(' ')}' ;;`;
  });
  const top = shown.map(mainName).filter((name) => !name.includes(' '));
  return `${[
    '# Written by onggi completion bash.',
    '_onggi() {',
    '  local cur=${COMP_WORDS[COMP_CWORD]} name=${COMP_WORDS[1]} flags= words=',
    `  case $name in ${Object.keys(managers).join('|')}) ((COMP_CWORD > 2)) && name="$name \${COMP_WORDS[2]}" ;; esac`,
    '  if ((COMP_CWORD == 1)); then',
    `    flags='${flagWords(globalFlags)}' words='${[...top, ...Object.keys(managers), 'help'].sort().join(' ')}'`,
    '  else',
    '    case $name in',
    ...managerCases,
    ...cases,
    '    esac',
    '  fi',
    '  case $cur in -*) words=$flags ;; esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$cur"))',
    '}',
    `complete -o default -F _onggi ${program}`,
  ].join('\n')}\n`;
}

function caseOf(names: readonly string[], command: Command): string {
  const labels = names.map((name) => (name.includes(' ') ? `'${name}'` : name)).join('|');
  const words = offers[command.completes ?? 'none'];
  return `    ${labels}) flags='${flagWords(command.flags)}' words=${words === '' ? "''" : `"${words}"`} ;;`;
}

function flagWords(flags: Flags): string {
  return [...Object.keys(flags), 'help'].map((name) => `--${name}`).join(' ');
}

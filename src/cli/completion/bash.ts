/** The completion script of bash (bash(1), "Programmable Completion"). Pure. */
import {
  type CommandModel,
  type FlagModel,
  firstWords,
  flagValues,
  type Model,
  type Offer,
  secondWords,
} from './model.ts';

export function bashCompletion(model: Model): string {
  const managers = model.managers.map(({ name }) => name);
  return `${[
    `# Written by ${model.program} completion bash.`,
    '_onggi() {',
    '  local cur=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]} name=${COMP_WORDS[1]} flags= words=',
    `  case $name in ${managers.join('|')}) ((COMP_CWORD > 2)) && name="$name \${COMP_WORDS[2]}" ;; esac`,
    '  if ((COMP_CWORD == 1)); then',
    `    flags='${flagWords(model.globalFlags)}' words='${names(firstWords(model))}'`,
    '  else',
    '    case $name in',
    ...managers.map((manager) => `    ${manager}) words='${names(secondWords(model, manager))}' ;;`),
    ...model.commands.map(caseOf),
    '    esac',
    '  fi',
    '  case $last in',
    ...Object.entries(flagValues).map(([flag, offer]) => `  --${flag}) flags= words=${quoted(offer)} ;;`),
    '  esac',
    '  case $cur in -*) words=$flags ;; esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$cur"))',
    '}',
    `complete -o default -F _onggi ${model.program}`,
  ].join('\n')}\n`;
}

function caseOf({ names, flags, positional }: CommandModel): string {
  const labels = names.map((name) => (name.includes(' ') ? `'${name}'` : name)).join('|');
  return `    ${labels}) flags='${flagWords(flags)}' words=${quoted(positional)} ;;`;
}

function quoted(offer: Offer): string {
  if (offer.type === 'output') return `"$(${offer.command})"`;
  return offer.type === 'words' ? `'${offer.words.join(' ')}'` : "''";
}

function flagWords(flags: readonly FlagModel[]): string {
  return flags.map(({ name }) => `--${name}`).join(' ');
}

function names(list: readonly { readonly name: string }[]): string {
  return list.map(({ name }) => name).join(' ');
}

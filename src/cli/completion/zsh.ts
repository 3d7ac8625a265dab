/** The completion script of zsh (zshcompsys(1), zshcompwid(1)). Pure. */
import {
  type CommandModel,
  type FlagModel,
  firstWords,
  flagValues,
  type Model,
  type Offer,
  secondWords,
  spellings,
  valueFlags,
} from './model.ts';

export function zshCompletion(model: Model): string {
  const managers = model.managers.map(({ name }) => name);
  return `${[
    `#compdef ${model.program}`,
    `# Written by ${model.program} completion zsh.`,
    '_onggi() {',
    '  local name=$words[2] last=$words[CURRENT-1] cur=$words[CURRENT] at=3 stops=',
    '  local -a flags offers values',
    "  if [[ $cur == --*=* ]]; then last=${cur%%=*} cur=${cur#*=}; compset -P '*='; fi",
    `  case $name in (${managers.join('|')}) (( CURRENT > 3 )) && name="$name $words[3]" at=4 ;; esac`,
    '  if (( CURRENT == 2 )); then',
    `    flags=(${flagWords(model.globalFlags)})`,
    `    offers=(${described(firstWords(model))})`,
    '  else',
    '    case $name in',
    ...managers.map((manager) => `    (${manager}) offers=(${described(secondWords(model, manager))}) ;;`),
    ...model.commands.map(caseOf),
    '    esac',
    '  fi',
    '  if (( $values[(Ie)$last] )); then',
    '    flags=() offers=()',
    '    case $last in',
    ...Object.entries(flagValues).map(
      ([flag, offer]) => `    (${spellings(model, flag).join('|')}) ${assigned(offer)} ;;`,
    ),
    '    esac',
    '  elif [[ -n $stops ]]; then',
    // Behind the image or container stands a command of its own.
    '    for (( ; at < CURRENT; at++ )); do',
    '      if [[ $words[at] != -* ]]; then flags=() offers=(); break; fi',
    '      (( $values[(Ie)$words[at]] )) && (( at++ ))',
    '    done',
    '  fi',
    '  if [[ $cur == -* ]]; then',
    "    _describe -o 'option' flags",
    '  elif (( $#offers )); then',
    "    _describe 'argument' offers",
    '  else',
    '    _files',
    '  fi',
    '}',
    // Sourced, it registers itself; from a directory of fpath it is the body of the function.
    `if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _onggi "$@"; else compdef _onggi ${model.program}; fi`,
  ].join('\n')}\n`;
}

function caseOf({ names, flags, positional, stops }: CommandModel): string {
  const labels = names.map((name) => name.replaceAll(' ', '\\ ')).join('|');
  return `    (${labels}) flags=(${flagWords(flags)}); values=(${valueFlags(flags).join(' ')}); ${assigned(positional)}${stops ? '; stops=1' : ''} ;;`;
}

function assigned(offer: Offer): string {
  // A colon would begin a description: names of images have one.
  if (offer.type === 'output') return `offers=(\${\${(f)"$(${offer.command})"}//:/\\\\:})`;
  return offer.type === 'words' ? `offers=(${offer.words.map((word) => quote(escaped(word))).join(' ')})` : 'offers=()';
}

function flagWords(flags: readonly FlagModel[]): string {
  return flags.map(({ name, help }) => quote(`--${name}:${help}`)).join(' ');
}

function described(list: readonly { readonly name: string; readonly summary: string }[]): string {
  return list.map(({ name, summary }) => quote(`${escaped(name)}:${summary}`)).join(' ');
}

const escaped = (word: string): string => word.replaceAll(':', '\\:');

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

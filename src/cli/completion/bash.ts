/** The completion script of bash (bash(1), "Programmable Completion"). Pure. */
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

export function bashCompletion(model: Model): string {
  const managers = model.managers.map(({ name }) => name);
  return `${[
    `# Written by ${model.program} completion bash.`,
    '_onggi() {',
    "  local name=${COMP_WORDS[1]} flags= words= values= stops= at=2 first=$COMP_CWORD joined='' word last cur",
    // Bash takes "--network=h" and "alpine:3" for three words each.
    '  while ((first > 1)) && [[ ${COMP_WORDS[first]} == : || ${COMP_WORDS[first-1]} == : ]]; do ((first--)); done',
    '  for ((word = first; word <= COMP_CWORD; word++)); do joined+=${COMP_WORDS[word]}; done',
    '  last=${COMP_WORDS[first-1]} cur=$joined',
    '  if [[ $cur == = ]]; then cur=; elif [[ $last == = ]]; then last=${COMP_WORDS[first-2]}; fi',
    `  case $name in ${managers.join('|')}) ((COMP_CWORD > 2)) && name="$name \${COMP_WORDS[2]}" at=3 ;; esac`,
    '  if ((COMP_CWORD == 1)); then',
    `    flags='${flagWords(model.globalFlags)}' words='${names(firstWords(model))}'`,
    '  else',
    '    case $name in',
    ...managers.map((manager) => `    ${manager}) words='${names(secondWords(model, manager))}' ;;`),
    ...model.commands.map(caseOf),
    '    esac',
    '  fi',
    '  if [[ " $values " == *" $last "* ]]; then',
    '    flags= words=',
    '    case $last in',
    ...Object.entries(flagValues).map(
      ([flag, offer]) => `    ${spellings(model, flag).join('|')}) words=${quoted(offer)} ;;`,
    ),
    '    esac',
    '  elif [[ $stops ]]; then',
    // Behind the image or container stands a command of its own.
    '    for (( ; at < first; at++)); do',
    '      word=${COMP_WORDS[at]}',
    '      if [[ ${COMP_WORDS[at+1]} == = ]]; then ((at += 2))',
    '      elif [[ $word == -* ]]; then [[ " $values " == *" $word "* ]] && ((at++))',
    '      else flags= words=; break; fi',
    '    done',
    '  fi',
    '  case $cur in -*) words=$flags ;; esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$cur"))',
    // What stands before the last colon is on the line already.
    '  [[ $cur == *:* ]] && COMPREPLY=("${COMPREPLY[@]#"${cur%:*}:"}")',
    '}',
    `complete -o default -F _onggi ${model.program}`,
  ].join('\n')}\n`;
}

function caseOf({ names, flags, positional, stops }: CommandModel): string {
  const labels = names.map((name) => (name.includes(' ') ? `'${name}'` : name)).join('|');
  return `    ${labels}) flags='${flagWords(flags)}' values='${valueFlags(flags).join(' ')}' words=${quoted(positional)}${stops ? ' stops=1' : ''} ;;`;
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

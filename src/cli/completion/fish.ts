/** The completion script of fish (complete(1) of fish). Pure. */
import {
  type CommandModel,
  type FlagModel,
  firstWords,
  type Model,
  type Offer,
  secondWords,
  valueFlags,
} from './model.ts';

export function fishCompletion(model: Model): string {
  const complete = `complete -c ${model.program}`;
  const managers = model.managers.map(({ name }) => name);
  return `${[
    `# Written by ${model.program} completion fish.`,
    ...command(managers),
    ...past(managers),
    `${complete} -f`,
    ...firstWords(model).map(
      ({ name, summary }) => `${complete} -n "test -z (__onggi_command)" -a ${name} -d ${quote(summary)}`,
    ),
    ...model.globalFlags.map((flag) => flagLine(complete, 'test -z (__onggi_command)', flag)),
    ...managers.flatMap((manager) =>
      secondWords(model, manager).map(
        ({ name, summary }) => `${complete} -n "test (__onggi_command) = ${manager}" -a ${name} -d ${quote(summary)}`,
      ),
    ),
    ...model.commands.flatMap((entry) => commandLines(complete, entry)),
  ].join('\n')}\n`;
}

/** The name of the command that stands on the line so far: "", "ps", "container", "container ls". */
function command(managers: readonly string[]): string[] {
  return [
    'function __onggi_command',
    '    set -l words (commandline -opc)',
    '    set -e words[1]',
    '    if not set -q words[1]',
    "        echo ''",
    `    else if contains -- $words[1] ${managers.join(' ')}; and set -q words[2]`,
    '        echo "$words[1] $words[2]"',
    '    else',
    '        echo $words[1]',
    '    end',
    'end',
  ];
}

/** Whether a word that is no flag stands there already: behind it comes a command of its own. Told what takes a value. */
function past(managers: readonly string[]): string[] {
  return [
    'function __onggi_past',
    '    set -l words (commandline -opc)',
    '    set -l at 3',
    `    contains -- $words[2] ${managers.join(' ')}; and set at 4`,
    '    while test $at -le (count $words)',
    "        string match -q -- '-*' $words[$at]; or return 0",
    '        contains -- $words[$at] $argv; and set at (math $at + 1)',
    '        set at (math $at + 1)',
    '    end',
    '    return 1',
    'end',
  ];
}

function commandLines(complete: string, { names, flags, positional, stops }: CommandModel): string[] {
  const isIt = `contains -- (__onggi_command) ${names.map(quote).join(' ')}`;
  const condition = stops ? `${isIt}; and not __onggi_past ${valueFlags(flags).join(' ')}` : isIt;
  const own = offered(positional);
  return [
    ...(own === '' ? [] : [`${complete} -n ${quote(condition)}${own}`]),
    ...flags.map((flag) => flagLine(complete, condition, flag)),
  ];
}

function flagLine(complete: string, condition: string, { name, short, help, value }: FlagModel): string {
  const letter = short === undefined ? '' : ` -s ${short}`;
  const argument = value === undefined ? '' : ` -r${offered(value)}`;
  return `${complete} -n ${quote(condition)} -l ${name}${letter}${argument} -d ${quote(help)}`;
}

function offered(offer: Offer): string {
  if (offer.type === 'output') return ` -a ${quote(`(${offer.command})`)}`;
  if (offer.type === 'words') return ` -a ${quote(offer.words.join(' '))}`;
  return offer.type === 'files' ? ' -F' : '';
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

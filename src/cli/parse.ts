/**
 * The grammar of command lines, which is that of pflag, the parser of Docker's client: `-it`, `-p8080:80`, `-e A=b`,
 * `--rm=false`, `--name x`, `--`, a repeated flag. Pure; problems are returned, never thrown.
 */

import { type Code, OnggiError } from '../errors.ts';
import type { Flag, Flags, Refused, Values } from './definition.ts';
import { parseBoolean } from './value/number.ts';

export type Grammar<F extends Flags> = {
  readonly flags: F;
  readonly refused?: Refused;
  readonly interspersed?: boolean;
};

export type Parsed<F extends Flags> = {
  readonly type: 'parsed';
  readonly flags: Values<F>;
  /** Long names of the flags that were given. */
  readonly given: ReadonlySet<string>;
  readonly args: readonly string[];
};

export type Problem = { readonly type: 'problem'; readonly code: Code; readonly message: string };

export type Outcome<F extends Flags> = Parsed<F> | { readonly type: 'help' } | Problem;

type Known =
  | { readonly type: 'flag'; readonly name: string; readonly flag: Flag }
  | { readonly type: 'refused'; readonly name: string; readonly takesValue: boolean }
  | { readonly type: 'help' };

type State = {
  readonly lookup: Lookup;
  readonly values: Record<string, unknown>;
  readonly given: Set<string>;
  readonly queue: string[];
  readonly refused: Refused;
  help: boolean;
  /** The first refused flag: reported at the end, so that --help wins over it. */
  refusal: Problem | undefined;
};

type Lookup = { readonly long: ReadonlyMap<string, Known>; readonly short: ReadonlyMap<string, Known> };

export function parseArguments<F extends Flags>(grammar: Grammar<F>, argv: readonly string[]): Outcome<F> {
  const state: State = {
    lookup: lookupOf(grammar),
    values: initialValues(grammar.flags),
    given: new Set(),
    queue: [...argv],
    refused: grammar.refused ?? {},
    help: false,
    refusal: undefined,
  };
  const args: string[] = [];
  for (let arg = state.queue.shift(); arg !== undefined; arg = state.queue.shift()) {
    if (arg === '--') {
      args.push(...state.queue.splice(0));
    } else if (arg.startsWith('--')) {
      const problem = takeLong(state, arg);
      if (problem !== undefined) return problem;
    } else if (arg.startsWith('-') && arg !== '-') {
      const problem = takeShort(state, arg);
      if (problem !== undefined) return problem;
    } else {
      args.push(arg);
      if (grammar.interspersed === false) args.push(...state.queue.splice(0));
    }
  }
  if (state.help) return { type: 'help' };
  if (state.refusal !== undefined) return state.refusal;
  return { type: 'parsed', flags: state.values as Values<F>, given: state.given, args };
}

function initialValues(flags: Flags): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => [
      name,
      flag.kind === 'switch' ? flag.initial : flag.kind === 'list' ? [] : undefined,
    ]),
  );
}

function lookupOf(grammar: Grammar<Flags>): Lookup {
  const long = new Map<string, Known>([['help', { type: 'help' }]]);
  const short = new Map<string, Known>([['h', { type: 'help' }]]);
  const { values = [], switches = [], shorts = {} } = grammar.refused ?? {};
  for (const name of values) long.set(name, { type: 'refused', name, takesValue: true });
  for (const name of switches) long.set(name, { type: 'refused', name, takesValue: false });
  for (const [letter, name] of Object.entries(shorts)) {
    short.set(letter, long.get(name) ?? { type: 'refused', name, takesValue: false });
  }
  for (const [name, flag] of Object.entries(grammar.flags)) {
    const known: Known = { type: 'flag', name, flag };
    for (const word of [name, ...(flag.aliases ?? [])]) long.set(word, known);
    if (flag.short !== undefined) short.set(flag.short, known);
  }
  return { long, short };
}

function takeLong(state: State, arg: string): Problem | undefined {
  const equals = arg.indexOf('=');
  const name = arg.slice(2, equals < 0 ? undefined : equals);
  if (name === '' || name.startsWith('-')) return invalid(`bad flag syntax: ${arg}`);
  const known = state.lookup.long.get(name);
  if (known === undefined) return invalid(`unknown flag: --${name}`);
  if (equals >= 0) return assign(state, known, arg.slice(equals + 1));
  if (!takesValue(known)) return assign(state, known, undefined);
  const value = state.queue.shift();
  return value === undefined ? invalid(`flag needs an argument: --${name}`) : assign(state, known, value);
}

/** `-itw/tmp`: switches until a flag with a value, whose value is the rest or else the next argument. */
function takeShort(state: State, arg: string): Problem | undefined {
  let rest = arg.slice(1);
  while (rest !== '') {
    const letter = rest.charAt(0);
    const cluster = rest;
    const known = state.lookup.short.get(letter);
    if (known === undefined) return invalid(`unknown shorthand flag: '${letter}' in -${cluster}`);
    rest = rest.slice(1);
    let value: string | undefined;
    if (rest.startsWith('=')) {
      value = rest.slice(1);
      rest = '';
    } else if (takesValue(known)) {
      value = rest === '' ? state.queue.shift() : rest;
      rest = '';
      if (value === undefined) return invalid(`flag needs an argument: '${letter}' in -${cluster}`);
    }
    const problem = assign(state, known, value);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function takesValue(known: Known): boolean {
  return known.type === 'refused' ? known.takesValue : known.type === 'flag' && known.flag.kind !== 'switch';
}

function assign(state: State, known: Known, text: string | undefined): Problem | undefined {
  if (known.type === 'help') {
    state.help = true;
    return undefined;
  }
  const { name } = known;
  if (known.type === 'refused') {
    const harmless = state.refused.harmless?.[name] ?? [];
    if (!harmless.includes(text ?? 'true')) {
      state.refusal ??= { type: 'problem', code: 'unsupported', message: `flag --${name} is not supported` };
    }
    return undefined;
  }
  const { flag } = known;
  if (flag.kind !== 'switch' && flag.emptyIsAbsent === true && text === '') {
    if (flag.kind === 'list') return undefined;
    state.values[name] = undefined;
    state.given.delete(name);
    return undefined;
  }
  try {
    const value = flag.kind === 'switch' ? parseBoolean(text ?? 'true') : flag.parse(text ?? '');
    const list = state.values[name];
    if (flag.kind === 'list' && Array.isArray(list)) list.push(value);
    else state.values[name] = value;
    state.given.add(name);
    return undefined;
  } catch (error) {
    if (!(error instanceof OnggiError)) throw error;
    const shown = flag.short === undefined ? `--${name}` : `-${flag.short}, --${name}`;
    const found = `${error.message}${error.hint === undefined ? '' : `\n${error.hint}`}`;
    const message = error.code === 'unsupported' ? found : `invalid argument "${text}" for "${shown}" flag: ${found}`;
    return { type: 'problem', code: error.code, message };
  }
}

function invalid(message: string): Problem {
  return { type: 'problem', code: 'invalid', message };
}

/**
 * The grammar of runc's command lines, which is that of Go's package flag: one dash or two, `-name value` or
 * `-name=value`, a switch takes its value only after "=", letters are not joined. Flags may follow the positionals
 * unless the command says otherwise; `--` ends them. Pure; problems are returned, never thrown.
 */
import { OnggiError } from '../../errors.ts';
import type { Flag, Flags, Values } from '../definition.ts';
import { parseBoolean } from '../value/number.ts';

export type Grammar<F extends Flags> = { readonly flags: F; readonly interspersed?: boolean };

export type Outcome<F extends Flags> =
  | {
      readonly type: 'parsed';
      readonly flags: Values<F>;
      /** Long names of the flags that were given. */
      readonly given: ReadonlySet<string>;
      readonly args: readonly string[];
    }
  | { readonly type: 'help' }
  | { readonly type: 'problem'; readonly message: string };

type Found = { readonly name: string; readonly flag: Flag };

export function parseFlags<F extends Flags>({ flags, interspersed }: Grammar<F>, argv: readonly string[]): Outcome<F> {
  const lookup = lookupOf(flags);
  const values = initialValues(flags);
  const given = new Set<string>();
  const args: string[] = [];
  const queue = [...argv];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === '--') {
      args.push(...queue.splice(0));
      break;
    }
    const match = /^--?([^-=][^=]*)(?:=([\s\S]*))?$/.exec(word);
    if (match === null) {
      if (/^--?[-=]/.test(word)) return problem(`bad flag syntax: ${word}`);
      args.push(word);
      if (interspersed === false) args.push(...queue.splice(0));
      continue;
    }
    const [, written = '', attached] = match;
    if (written === 'help' || written === 'h') return { type: 'help' };
    const found = lookup.get(written);
    if (found === undefined) return problem(`flag provided but not defined: -${written}`);
    const text = attached ?? (found.flag.kind === 'switch' ? 'true' : queue.shift());
    if (text === undefined) return problem(`flag needs an argument: -${written}`);
    const wrong = assign(values, found, written, text);
    if (wrong !== undefined) return problem(wrong);
    given.add(found.name);
  }
  return { type: 'parsed', flags: values as Values<F>, given, args };
}

function lookupOf(flags: Flags): ReadonlyMap<string, Found> {
  const lookup = new Map<string, Found>();
  for (const [name, flag] of Object.entries(flags)) {
    for (const word of [name, ...(flag.short === undefined ? [] : [flag.short]), ...(flag.aliases ?? [])]) {
      lookup.set(word, { name, flag });
    }
  }
  return lookup;
}

function initialValues(flags: Flags): Record<string, unknown> {
  const initial = (flag: Flag): unknown =>
    flag.kind === 'switch' ? flag.initial : flag.kind === 'list' ? [] : undefined;
  return Object.fromEntries(Object.entries(flags).map(([name, flag]) => [name, initial(flag)]));
}

/** @returns what is wrong with the value */
function assign(
  values: Record<string, unknown>,
  { name, flag }: Found,
  written: string,
  text: string,
): string | undefined {
  try {
    const value = flag.kind === 'switch' ? parseBoolean(text) : flag.parse(text);
    const list = values[name];
    if (flag.kind === 'list' && Array.isArray(list)) list.push(value);
    else values[name] = value;
    return undefined;
  } catch (error) {
    if (!(error instanceof OnggiError)) throw error;
    return `invalid value "${text}" for flag -${written}: ${error.message}`;
  }
}

function problem(message: string): { readonly type: 'problem'; readonly message: string } {
  return { type: 'problem', message };
}

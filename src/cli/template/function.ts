/** Functions that a template may call: Go's own and those that Docker's formats add. Pure. */
import { OnggiError } from '../../errors.ts';
import { formatValue, goJson, isRecord, sortedKeys, sprintf } from './print.ts';

/** @throws OnggiError `invalid` on arguments of the wrong number or type */
export type TemplateFunction = (...args: unknown[]) => unknown;

export function evaluationError(message: string): OnggiError {
  return new OnggiError('invalid', `template parsing error: ${message}`);
}

/** Go's truth: everything but false, 0, the empty and the absent. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isRecord(value)) return sortedKeys(value).length > 0;
  return Boolean(value);
}

/** `and` and `or` are here for their names only: they must not evaluate more than they need. */
export const lazyFunctions = ['and', 'or'] as const;

export const functions: Readonly<Record<string, TemplateFunction>> = {
  // Docker's.
  json: (value) => goJson(value),
  split: (text, separator) => str('split', text).split(str('split', separator)),
  join: (list, separator) => elements('join', list).map(formatValue).join(str('join', separator)),
  title: (text) => str('title', text).replace(/(?<![\p{L}\p{Nd}_])\p{L}/gu, (letter) => letter.toUpperCase()),
  lower: (text) => str('lower', text).toLowerCase(),
  upper: (text) => str('upper', text).toUpperCase(),
  pad: (text, before, after) => {
    const inner = str('pad', text);
    return inner === '' ? '' : ' '.repeat(int('pad', before)) + inner + ' '.repeat(int('pad', after));
  },
  truncate: (text, length) => [...str('truncate', text)].slice(0, int('truncate', length)).join(''),
  // Go's.
  print: (...args) => printSpaced(args),
  println: (...args) => `${args.map(formatValue).join(' ')}\n`,
  printf: (format, ...args) => sprintf(str('printf', format), args),
  html: (...args) => printSpaced(args).replace(/['"&<>\0]/g, (c) => htmlEscapes[c] ?? c),
  js: (...args) => printSpaced(args).replace(/[\\'"<>&=]|\p{Cc}/gu, escapeScript),
  urlquery: (...args) =>
    encodeURIComponent(printSpaced(args))
      .replaceAll('%20', '+')
      .replace(/[!'()*]/g, percent),
  len: (value) => {
    if (typeof value === 'string') return Buffer.byteLength(value);
    if (isRecord(value)) return sortedKeys(value).length;
    return elements('len', value).length;
  },
  index: (value, ...keys) => keys.reduce(indexOnce, value),
  slice: (value, ...bounds) =>
    sliced(
      value,
      bounds.map((bound) => int('slice', bound)),
    ),
  not: (value) => !isTrue(value),
  eq: (first, ...rest) => {
    if (rest.length === 0) throw evaluationError('error calling eq: missing argument for comparison');
    return rest.some((other) => same(first, other));
  },
  ne: (a, b) => !same(a, b),
  lt: (a, b) => order('lt', a, b) < 0,
  le: (a, b) => order('le', a, b) <= 0,
  gt: (a, b) => order('gt', a, b) > 0,
  ge: (a, b) => order('ge', a, b) >= 0,
};

const htmlEscapes: Readonly<Record<string, string>> = {
  "'": '&#39;',
  '"': '&#34;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '\0': '\ufffd',
};

function escapeScript(character: string): string {
  if (/[\\'"]/.test(character)) return `\\${character}`;
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

function wrong(name: string, value: unknown, expected: string): OnggiError {
  return evaluationError(`error calling ${name}: "${formatValue(value)}" is not ${expected}`);
}

function str(name: string, value: unknown): string {
  if (typeof value !== 'string') throw wrong(name, value, 'a string');
  return value;
}

function int(name: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) throw wrong(name, value, 'a whole number');
  return value;
}

function elements(name: string, value: unknown): readonly unknown[] {
  if (value === null) return [];
  if (!Array.isArray(value)) throw wrong(name, value, 'a list');
  return value;
}

/** fmt.Sprint: a blank between two operands when neither is a string. */
function printSpaced(args: readonly unknown[]): string {
  return args
    .map((arg, i) => {
      const blank = i > 0 && typeof arg !== 'string' && typeof args[i - 1] !== 'string';
      return (blank ? ' ' : '') + formatValue(arg);
    })
    .join('');
}

function indexOnce(value: unknown, key: unknown): unknown {
  if (isRecord(value)) {
    const name = str('index', key);
    if (Object.hasOwn(value, name)) return value[name];
    // A map of texts (labels) yields an empty text for a key that it lacks, other maps nothing.
    return Object.values(value).every((other) => typeof other === 'string') ? '' : undefined;
  }
  if (value === null) return '';
  const list = typeof value === 'string' ? Buffer.from(value) : elements('index', value);
  const position = int('index', key);
  if (position >= list.length) throw evaluationError(`error calling index: index out of range: ${position}`);
  return list[position];
}

function sliced(value: unknown, bounds: readonly number[]): unknown {
  const [from = 0, to] = bounds;
  const list = typeof value === 'string' ? Buffer.from(value) : elements('slice', value);
  const end = to ?? list.length;
  if (end > list.length || from > end) throw evaluationError(`error calling slice: index out of range: ${end}`);
  return typeof value === 'string' ? Buffer.from(value).subarray(from, end).toString() : list.slice(from, end);
}

function same(a: unknown, b: unknown): boolean {
  if (a === null || a === undefined || b === null || b === undefined) return (a ?? null) === (b ?? null);
  if (typeof a === 'object' || typeof b === 'object') {
    throw evaluationError('error calling eq: incompatible types for comparison');
  }
  if (typeof a !== typeof b) throw evaluationError('error calling eq: incompatible types for comparison');
  return a === b;
}

function order(name: string, a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  throw evaluationError(`error calling ${name}: incompatible types for comparison`);
}

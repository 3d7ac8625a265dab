/** How Go's fmt prints values (`%v`), JSON as Go's encoder writes it, and `printf`. Pure. */

/** Members that a template can reach but that are no data: methods such as `.Label "x"`. */
function isData(value: unknown): boolean {
  return typeof value !== 'function';
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Names of the data of a record, sorted by code unit as Go sorts the keys of a map. */
export function sortedKeys(record: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(record)
    .filter((key) => isData(record[key]))
    .sort();
}

/** What a field prints that holds nothing, by its name. */
export type EmptyText = (name: string) => string | undefined;

/** Records that stand for structs of Go, which print without names: `{always 0}`. */
const structs = new WeakMap<object, EmptyText>();

/** Records that stand for maps of Go, of which the one that may hold nothing holds lists: `map[80/tcp:[]]`. */
const maps = new WeakSet<object>();

/**
 * Notes which records below a value are structs: all but those under a name that is a map's. What is in a map is a struct again.
 * The fields of a struct have to stand in Go's order.
 */
export function markStructs(
  value: unknown,
  isMap: (name: string, parent: string | undefined) => boolean,
  empty: EmptyText,
  parent?: string,
): void {
  if (Array.isArray(value)) for (const each of value) markStructs(each, isMap, empty, parent);
  if (!isRecord(value)) return;
  structs.set(value, empty);
  for (const [name, field] of Object.entries(value)) {
    if (!isRecord(field) || !isMap(name, parent)) markStructs(field, isMap, empty, name);
    else {
      maps.add(field);
      for (const each of Object.values(field)) markStructs(each, isMap, empty, name);
    }
  }
}

/** `%v`, nested values included: `[a b]`, `map[k:v]`, `<nil>`. */
export function formatValue(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(formatValue).join(' ')}]`;
  if (!isRecord(value)) return String(value);
  const empty = structs.get(value);
  if (empty === undefined) {
    const shown = (field: unknown): string => (field === null && maps.has(value) ? '[]' : formatValue(field));
    return `map[${sortedKeys(value)
      .map((key) => `${key}:${shown(value[key])}`)
      .join(' ')}]`;
  }
  const fields = Object.entries(value).filter(([, field]) => isData(field));
  return `{${fields.map(([name, field]) => (field === null ? (empty(name) ?? '<nil>') : formatValue(field))).join(' ')}}`;
}

/** What an action prints: a value that is not there shows as such. */
export function printedValue(value: unknown): string {
  return value === null || value === undefined ? '<no value>' : formatValue(value);
}

/** JSON on one line. */
export function goJson(value: unknown): string {
  return JSON.stringify(value ?? null);
}

/** `<`, `>` and `&` escaped, as Go's encoder does unless told otherwise. */
export function escapeHtml(json: string): string {
  const codeOf = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return json.replace(/[<>&\u2028\u2029]/g, codeOf);
}

/** Visible ASCII without the double quote and the backslash: Unicode's classes below take a millisecond to compile. */
const plain = /^[ !#-[\]-~]*$/;

/** A Go string literal in double quotes (`%q`). */
export function quote(text: string): string {
  if (plain.test(text)) return `"${text}"`;
  const short: Readonly<Record<string, string>> = {
    '"': '\\"',
    '\\': '\\\\',
    '\n': '\\n',
    '\r': '\\r',
    '\t': '\\t',
    '\x07': '\\a',
    '\b': '\\b',
    '\f': '\\f',
    '\v': '\\v',
  };
  const escaped = text.replace(
    /["\\\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Cf}\p{Zl}\p{Zp}\u00a0\u2000-\u200a\u3000]/gu,
    (character) => {
      const point = character.codePointAt(0) ?? 0;
      if (short[character] !== undefined) return short[character];
      if (point < 0x80) return `\\x${point.toString(16).padStart(2, '0')}`;
      return point > 0xffff ? `\\U${point.toString(16).padStart(8, '0')}` : `\\u${point.toString(16).padStart(4, '0')}`;
    },
  );
  return `"${escaped}"`;
}

/**
 * The verbs `%v %s %q %d %t %x %X %o %b %c %U %e %f %g %%` with flags, width and precision; what doesn't fit its verb is
 * printed as Go prints it, `%!d(string=x)`.
 */
export function sprintf(format: string, args: readonly unknown[]): string {
  let used = 0;
  const text = format.replace(/%([-+# 0]*)(\d+)?(?:\.(\d*))?(.)?/gsu, (_, flags: string, width, precision, verb) => {
    if (verb === undefined) return '%!(NOVERB)';
    if (verb === '%') return '%';
    if (used >= args.length) return `%!${verb}(MISSING)`;
    const digits = precision === undefined ? undefined : Number(precision);
    const value = applyVerb(String(verb), args[used], flags, digits);
    used += 1;
    return pad(value, Number(width ?? 0), flags);
  });
  const extra = args.slice(used).map((arg) => `${typeName(arg)}=${formatValue(arg)}`);
  return extra.length === 0 ? text : `${text}%!(EXTRA ${extra.join(', ')})`;
}

function applyVerb(verb: string, value: unknown, flags: string, precision: number | undefined): string {
  if (verb === 'v') return formatValue(value);
  if (typeof value === 'string') {
    const text = precision === undefined ? value : [...value].slice(0, precision).join('');
    if (verb === 's') return text;
    if (verb === 'q') return quote(text);
    if (verb === 'x' || verb === 'X') return cased(Buffer.from(text).toString('hex'), verb);
  }
  if (Array.isArray(value) && verb === 's') return formatValue(value);
  if (typeof value === 'boolean' && verb === 't') return String(value);
  if (typeof value === 'number') {
    const text = formatNumber(verb, value, precision);
    if (text !== undefined) return flagged(text, value, flags);
  }
  return `%!${verb}(${typeName(value)}=${formatValue(value)})`;
}

const radixes: Readonly<Record<string, number>> = { d: 10, x: 16, X: 16, o: 8, b: 2 };

function formatNumber(verb: string, value: number, precision: number | undefined): string | undefined {
  const radix = radixes[verb];
  if (radix !== undefined && Number.isInteger(value)) return cased(value.toString(radix), verb);
  if (verb === 'c' && Number.isInteger(value)) return String.fromCodePoint(value);
  if (verb === 'q' && Number.isInteger(value)) return `'${String.fromCodePoint(value)}'`;
  if (verb === 'U' && Number.isInteger(value)) return `U+${value.toString(16).toUpperCase().padStart(4, '0')}`;
  if (verb === 'f') return value.toFixed(precision ?? 6);
  if (verb === 'e') return value.toExponential(precision ?? 6).replace(/e([+-])(\d)$/, 'e$10$2');
  if (verb === 'g') return precision === undefined ? String(value) : String(Number(value.toPrecision(precision || 1)));
  return undefined;
}

function cased(text: string, verb: string): string {
  return verb === 'X' ? text.toUpperCase() : text;
}

function flagged(text: string, value: unknown, flags: string): string {
  return flags.includes('+') && typeof value === 'number' && value >= 0 ? `+${text}` : text;
}

function pad(text: string, width: number, flags: string): string {
  const missing = Math.min(width, 10_000) - [...text].length;
  if (missing <= 0) return text;
  if (flags.includes('-')) return text + ' '.repeat(missing);
  if (!flags.includes('0')) return ' '.repeat(missing) + text;
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  return sign + '0'.repeat(missing) + text.slice(sign.length);
}

function typeName(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  if (value === null || value === undefined) return '<nil>';
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
}

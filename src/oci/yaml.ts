/**
 * The part of YAML 1.2 in which people write configuration: mappings and sequences by indentation, plain and quoted
 * scalars, comments, flow collections on one line. Anchors, tags, block scalars and several documents are refused, by name:
 * nothing is read in another way than it was meant. Pure.
 */
import { OnggiError } from '../errors.ts';

/** Scalars are text as it stands, since 1.10 may be a version; nothing, "~" and "null" without quotes are null. */
export type Yaml = string | null | readonly Yaml[] | { readonly [key: string]: Yaml };

const maxSize = 1024 * 1024;
const maxDepth = 50;

type Line = { readonly number: number; readonly indent: number; readonly text: string };
type Reader = { readonly lines: Line[]; readonly what: string; next: number };

/** @param what 'file "sync.yml"'. @throws OnggiError `invalid` (line and what is wrong), `unsupported` */
export function parseYaml(text: string, what: string): Yaml {
  if (text.length > maxSize) throw new OnggiError('invalid', `${what}: over ${maxSize} characters`);
  const reader: Reader = { lines: linesOf(text, what), what, next: 0 };
  const first = reader.lines[0];
  if (first === undefined) return null;
  const value = block(reader, first.indent, 0);
  const rest = reader.lines[reader.next];
  if (rest !== undefined) throw wrong(reader, rest, 'does not fit to what stands above');
  return value;
}

function linesOf(text: string, what: string): Line[] {
  const lines: Line[] = [];
  for (const [index, whole] of text.split(/\r?\n/).entries()) {
    const line = withoutComment(whole).trimEnd();
    const content = line.trimStart();
    if (content === '' || (lines.length === 0 && content === '---')) continue;
    const number = index + 1;
    const margin = line.slice(0, line.length - content.length);
    if (margin.includes('\t')) throw new OnggiError('invalid', `${what}: line ${number}: a tab at its beginning`);
    if (margin === '' && /^(---|\.\.\.|%)/.test(content)) {
      throw new OnggiError('unsupported', `${what}: line ${number}: several documents, or a directive`);
    }
    lines.push({ number, indent: margin.length, text: content });
  }
  return lines;
}

/** "#" begins a comment at the line's beginning and after a space, outside of quotes. */
function withoutComment(line: string): string {
  let quote = '';
  for (let at = 0; at < line.length; at += 1) {
    const char = line[at] ?? '';
    if (quote !== '') {
      if (char === '\\' && quote === '"') at += 1;
      else if (char === quote) quote = '';
    } else if ((char === '"' || char === "'") && /(^|[\s[{,:-])$/.test(line.slice(0, at))) quote = char;
    else if (char === '#' && (at === 0 || /\s/.test(line[at - 1] ?? ''))) return line.slice(0, at);
  }
  return line;
}

function block(reader: Reader, indent: number, depth: number): Yaml {
  const line = reader.lines[reader.next];
  if (line === undefined) return null;
  if (depth > maxDepth) throw wrong(reader, line, `over ${maxDepth} levels`);
  if (isItem(line.text)) return sequence(reader, indent, depth);
  if (keyOf(reader, line) !== undefined) return mapping(reader, indent, depth);
  reader.next += 1;
  return inline(reader, line, line.text);
}

const isItem = (text: string): boolean => text === '-' || text.startsWith('- ');

function sequence(reader: Reader, indent: number, depth: number): Yaml[] {
  const items: Yaml[] = [];
  for (;;) {
    const line = reader.lines[reader.next];
    if (line === undefined || line.indent < indent || (line.indent === indent && !isItem(line.text))) return items;
    if (line.indent > indent) throw wrong(reader, line, 'is indented further than its neighbours');
    const rest = line.text.slice(1).trimStart();
    if (rest === '') {
      reader.next += 1;
      items.push(nested(reader, indent, depth));
      continue;
    }
    // What follows the dash stands at a level of its own.
    const inner = { ...line, indent: indent + line.text.length - rest.length, text: rest };
    reader.lines[reader.next] = inner;
    items.push(block(reader, inner.indent, depth + 1));
  }
}

function mapping(reader: Reader, indent: number, depth: number): Yaml {
  const found = new Map<string, Yaml>();
  for (;;) {
    const line = reader.lines[reader.next];
    if (line === undefined || line.indent < indent) break;
    if (line.indent > indent) throw wrong(reader, line, 'is indented further than its neighbours');
    if (isItem(line.text)) break;
    const entry = keyOf(reader, line);
    if (entry === undefined) throw wrong(reader, line, 'is no "key: value"');
    if (found.has(entry.key)) throw wrong(reader, line, `has the key "${entry.key.slice(0, 100)}" a second time`);
    reader.next += 1;
    const next = reader.lines[reader.next];
    // A sequence below a key may stand as far left as the key.
    const level = next !== undefined && next.indent === indent && isItem(next.text);
    if (entry.rest !== '') found.set(entry.key, inline(reader, line, entry.rest));
    else found.set(entry.key, level ? sequence(reader, indent, depth + 1) : nested(reader, indent, depth));
  }
  return Object.fromEntries(found);
}

function nested(reader: Reader, indent: number, depth: number): Yaml {
  const next = reader.lines[reader.next];
  return next === undefined || next.indent <= indent ? null : block(reader, next.indent, depth + 1);
}

function keyOf(reader: Reader, line: Line): { readonly key: string; readonly rest: string } | undefined {
  const { text } = line;
  if (/^["']/.test(text)) {
    const { value, end } = quoted(reader, line, text);
    const colon = /^\s*:(?=\s|$)/.exec(text.slice(end));
    return colon === null ? undefined : { key: value, rest: text.slice(end + colon[0].length).trim() };
  }
  if (/^[[{]/.test(text)) return undefined;
  const colon = /:(?=\s|$)/.exec(text);
  if (colon === null) return undefined;
  return {
    key: plain(reader, line, text.slice(0, colon.index).trim()) ?? '',
    rest: text.slice(colon.index + 1).trim(),
  };
}

/** A value on one line, to its end. */
function inline(reader: Reader, line: Line, text: string): Yaml {
  const { value, end } = flow(reader, line, text, 0, 0);
  if (text.slice(end).trim() !== '') throw wrong(reader, line, `has "${text.slice(end).trim().slice(0, 40)}" too many`);
  return value;
}

type Parsed<T> = { readonly value: T; readonly end: number };

function flow(reader: Reader, line: Line, text: string, from: number, depth: number): Parsed<Yaml> {
  if (depth > maxDepth) throw wrong(reader, line, `over ${maxDepth} levels`);
  const start = from + (/^\s*/.exec(text.slice(from))?.[0].length ?? 0);
  const char = text[start];
  if (char === '[' || char === '{') return collection(reader, line, text, start, depth);
  if (char === '"' || char === "'") {
    const { value, end } = quoted(reader, line, text.slice(start));
    return { value, end: start + end };
  }
  const stop = depth === 0 ? text.length : start + (/^(?:(?![,\]}]|:\s).)*/.exec(text.slice(start))?.[0].length ?? 0);
  return { value: plain(reader, line, text.slice(start, stop).trim()), end: stop };
}

function collection(reader: Reader, line: Line, text: string, start: number, depth: number): Parsed<Yaml> {
  const close = text[start] === '[' ? ']' : '}';
  const items: Yaml[] = [];
  const fields = new Map<string, Yaml>();
  const skip = (at: number): number => at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0);
  let at = skip(start + 1);
  while (text[at] !== close) {
    if (at >= text.length) throw wrong(reader, line, `has no "${close}": it must stand on the same line`);
    const item = flow(reader, line, text, at, depth + 1);
    at = skip(item.end);
    if (close === '}') {
      if (text[at] !== ':' || typeof item.value !== 'string')
        throw wrong(reader, line, 'has no "key: value" in braces');
      const value = flow(reader, line, text, at + 1, depth + 1);
      fields.set(item.value, value.value);
      at = skip(value.end);
    } else items.push(item.value);
    if (text[at] === ',') at = skip(at + 1);
    else if (text[at] !== close) throw wrong(reader, line, `has neither "," nor "${close}"`);
  }
  return { value: close === ']' ? items : Object.fromEntries(fields), end: at + 1 };
}

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '0': '\0',
  '"': '"',
  '\\': '\\',
  '/': '/',
};

function quoted(reader: Reader, line: Line, text: string): Parsed<string> {
  const quote = text[0] ?? '';
  let value = '';
  for (let at = 1; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (char === quote && quote === "'" && text[at + 1] === "'") {
      value += "'";
      at += 1;
    } else if (char === quote) return { value, end: at + 1 };
    else if (char === '\\' && quote === '"') {
      at += 1;
      const meant = escapes[text[at] ?? ''];
      if (meant === undefined) throw wrong(reader, line, `has an escape "\\${text[at] ?? ''}" that is not known`);
      value += meant;
    } else value += char;
  }
  throw wrong(reader, line, `has no closing ${quote}`);
}

function plain(reader: Reader, line: Line, text: string): string | null {
  if (/^[&*!|>%@`]/.test(text)) {
    throw new OnggiError(
      'unsupported',
      `${reader.what}: line ${line.number}: "${text[0]}": anchors, tags and block texts are not read`,
      { hint: 'Write the value in quotes.' },
    );
  }
  return text === '' || text === '~' || text === 'null' ? null : text;
}

function wrong({ what }: Reader, { number }: Line, found: string): OnggiError {
  return new OnggiError('invalid', `${what}: line ${number} ${found}`);
}

/**
 * Tokens of Go's text/template (https://pkg.go.dev/text/template, "Actions" and "Text and spaces"), the language of
 * `--format`. Pure.
 */
import { OnggiError } from '../../errors.ts';

export type Token =
  | { readonly type: 'text'; readonly text: string }
  /** `{{` and `}}`. */
  | { readonly type: 'open' | 'close' }
  /** A keyword, function, `true`, `false` or `nil`. */
  | { readonly type: 'word'; readonly text: string }
  /** `.Name`; `joined` when no blank stands before it, as in `(x).Name`. */
  | { readonly type: 'field'; readonly text: string; readonly joined: boolean }
  /** `$` or `$name`. */
  | { readonly type: 'variable'; readonly text: string }
  | { readonly type: 'dot' }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'number'; readonly value: number }
  | { readonly type: 'symbol'; readonly text: '(' | ')' | '|' | ',' | '=' | ':=' };

export function syntaxError(message: string): OnggiError {
  return new OnggiError('invalid', `template parsing error: ${message}`);
}

/** @throws OnggiError `invalid` */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let trim = false;
  while (at < source.length) {
    const open = source.indexOf('{{', at);
    const end = open < 0 ? source.length : open;
    const trimNext = /^{{-\s/.test(source.slice(open, open + 4)) && open >= 0;
    let text = source.slice(at, end);
    if (trim) text = text.trimStart();
    if (trimNext) text = text.trimEnd();
    if (text !== '') tokens.push({ type: 'text', text });
    if (open < 0) return tokens;
    const action = scanAction(source, open + (trimNext ? 3 : 2));
    tokens.push(...action.tokens);
    trim = action.trim;
    at = action.end;
  }
  return tokens;
}

type Action = { readonly tokens: Token[]; readonly end: number; readonly trim: boolean };

const comment = /\s*\/\*[\s\S]*?\*\/(\s-)?}}/y;

function scanAction(source: string, start: number): Action {
  comment.lastIndex = start;
  const skipped = comment.exec(source);
  if (skipped !== null) return { tokens: [], end: comment.lastIndex, trim: skipped[1] !== undefined };
  const tokens: Token[] = [{ type: 'open' }];
  for (let at = start; ; ) {
    const blank = /^\s*/.exec(source.slice(at))?.[0] ?? '';
    at += blank.length;
    const trim = blank !== '' && source.startsWith('-}}', at);
    if (trim || source.startsWith('}}', at)) {
      tokens.push({ type: 'close' });
      return { tokens, end: at + (trim ? 3 : 2), trim };
    }
    if (at >= source.length) throw syntaxError('unclosed action');
    const [token, length] = scanToken(source.slice(at), blank === '');
    tokens.push(token);
    at += length;
  }
}

const symbols = /^(?::=|[()|,=])/;
const number = /^[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*)?\.?\d+(?:[eE][+-]?\d+)?)/;

function scanToken(rest: string, joined: boolean): [Token, number] {
  const word = /^[\p{L}_][\p{L}\p{Nd}_]*/u.exec(rest)?.[0];
  if (word !== undefined) return [{ type: 'word', text: word }, word.length];
  const field = /^\.([\p{L}_][\p{L}\p{Nd}_]*)/u.exec(rest);
  if (field?.[1] !== undefined) return [{ type: 'field', text: field[1], joined }, field[0].length];
  const variable = /^\$[\p{L}\p{Nd}_]*/u.exec(rest)?.[0];
  if (variable !== undefined) return [{ type: 'variable', text: variable }, variable.length];
  const symbol = symbols.exec(rest)?.[0];
  if (symbol !== undefined) return [{ type: 'symbol', text: symbol as '(' }, symbol.length];
  const digits = number.exec(rest)?.[0];
  if (digits !== undefined) return [{ type: 'number', value: parseNumber(digits) }, digits.length];
  if (rest.startsWith('.')) return [{ type: 'dot' }, 1];
  return scanQuoted(rest);
}

function parseNumber(text: string): number {
  const digits = text.replaceAll('_', '');
  const value = /^[+-]/.test(digits) ? Number(digits.slice(1)) * (digits.startsWith('-') ? -1 : 1) : Number(digits);
  if (Number.isNaN(value)) throw syntaxError(`bad number syntax: "${text}"`);
  return value;
}

function scanQuoted(rest: string): [Token, number] {
  const raw = /^`([^`]*)`/.exec(rest);
  if (raw?.[1] !== undefined) return [{ type: 'string', value: raw[1] }, raw[0].length];
  const quoted = /^"((?:[^"\\\n]|\\.)*)"/.exec(rest);
  if (quoted?.[1] !== undefined) return [{ type: 'string', value: unquoteEscapes(quoted[1]) }, quoted[0].length];
  const character = /^'((?:[^'\\\n]|\\.[0-9a-fA-F]*))'/u.exec(rest);
  if (character?.[1] !== undefined) {
    return [{ type: 'number', value: unquoteEscapes(character[1]).codePointAt(0) ?? 0 }, character[0].length];
  }
  if (/^["'`]/.test(rest)) throw syntaxError('unterminated quoted string');
  throw syntaxError(`unexpected ${JSON.stringify(String.fromCodePoint(rest.codePointAt(0) ?? 0))} in command`);
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

/** Escapes of a Go string literal. */
function unquoteEscapes(text: string): string {
  return text.replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)/gs, (whole, code: string) => {
    const known = escapes[code];
    if (known !== undefined) return known;
    const value = /^[xuU]./.test(code) ? Number.parseInt(code.slice(1), 16) : Number.parseInt(code, 8);
    if (code.length === 1 || Number.isNaN(value) || value > 0x10ffff) throw syntaxError(`unknown escape ${whole}`);
    return String.fromCodePoint(value);
  });
}

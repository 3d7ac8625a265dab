/**
 * Finds the imports of a TypeScript source: static, re-exporting, dynamic with a literal, `require`, and types by
 * `import('...')`, and `process.getBuiltinModule`. A small lexer, because a regular expression over raw text also finds imports in comments, strings
 * and templates. Pure.
 */

export type Import = {
  readonly specifier: string;
  /** Counted from 1. */
  readonly line: number;
  /** Erased before running: `import type`, `export type`, or only `type` names in the braces. */
  readonly typeOnly: boolean;
  /** By a call, when that is reached. */
  readonly deferred: boolean;
};

type Token = { readonly kind: 'word' | 'string' | 'punctuation'; readonly text: string; readonly line: number };

/** The use of a global that reaches outside the program: `fetch(...)`, `process.dlopen`. */
export type GlobalUse = { readonly name: string; readonly line: number };

/** @param names globals as `fetch` (called) or `process.kill` (read or called) */
export function scanGlobals(source: string, names: readonly string[]): GlobalUse[] {
  const tokens = tokenize(source);
  return tokens.flatMap(({ kind, text, line }, index) => {
    const [next, after] = [tokens[index + 1]?.text, tokens[index + 2]?.text];
    if (kind !== 'word' || tokens[index - 1]?.text === '.') return [];
    const name = next === '.' ? `${text}.${after}` : next === '(' ? text : '';
    return names.includes(name) ? [{ name, line }] : [];
  });
}

export function scanImports(source: string): Import[] {
  const tokens = tokenize(source);
  const found: Import[] = [];
  tokens.forEach((token, index) => {
    if (token.text === 'getBuiltinModule') {
      const [open, specifier] = [tokens[index + 1], tokens[index + 2]];
      if (open?.text === '(' && specifier?.kind === 'string') {
        found.push({ specifier: specifier.text, line: specifier.line, typeOnly: false, deferred: true });
      }
    }
    if (token.kind !== 'word' || tokens[index - 1]?.text === '.') return;
    if (token.text === 'import' || token.text === 'require') {
      const call = callOf(tokens, index);
      if (call !== undefined) found.push(call);
    }
    if (token.text === 'import' || token.text === 'export') {
      const clause = clauseOf(tokens, index);
      if (clause !== undefined) found.push(clause);
    }
  });
  return found;
}

/** `import('x')` and `require('x')`; the type `typeof import('x')` and `import('x').Name` look the same: see below. */
function callOf(tokens: readonly Token[], index: number): Import | undefined {
  const [open, specifier] = [tokens[index + 1], tokens[index + 2]];
  if (open?.text !== '(' || specifier?.kind !== 'string') return undefined;
  // Only a value import can be awaited or chained by then(); `import('x').T` in a type position names a member.
  const before = tokens[index - 1]?.text;
  const member = tokens[index + 4]?.text === '.' ? tokens[index + 5]?.text : undefined;
  const typeOnly =
    before === 'typeof' || (before !== 'await' && member !== undefined && !/^(then|catch)$/.test(member));
  return { specifier: specifier.text, line: specifier.line, typeOnly, deferred: true };
}

/** `import ... from 'x'`, `import 'x'`, `export ... from 'x'`. */
function clauseOf(tokens: readonly Token[], index: number): Import | undefined {
  const next = tokens[index + 1];
  if (next?.kind === 'string') return { specifier: next.text, line: next.line, typeOnly: false, deferred: false };
  // The clause holds names, braces, commas, stars; anything else is a declaration or a call.
  let at = index + 1;
  while (isClauseToken(tokens[at])) at += 1;
  const specifier = tokens[at];
  if (tokens[at - 1]?.text !== 'from' || specifier?.kind !== 'string') return undefined;
  const typeOnly = isErased(tokens.slice(index + 1, at - 1));
  return { specifier: specifier.text, line: specifier.line, typeOnly, deferred: false };
}

function isClauseToken(token: Token | undefined): boolean {
  if (token === undefined || token.kind === 'string') return false;
  return token.kind === 'word' || /^[{},*]$/.test(token.text);
}

function isErased(clause: readonly Token[]): boolean {
  const words = clause.map((token) => token.text);
  // `import type from 'x'` imports a value called type.
  if (words[0] === 'type' && words.length > 1 && words[1] !== ',') return true;
  if (words[0] !== '{' || words.at(-1) !== '}') return false;
  const names = words
    .slice(1, -1)
    .join(' ')
    .split(',')
    .map((name) => name.trim());
  const listed = names.filter((name) => name !== '');
  return listed.length > 0 && listed.every((name) => /^type \w/.test(name));
}

/** Where a `/` starts a regular expression, not a division: after these, or at the start. */
const beforeRegExp = /^(?:[([{,;=:?!&|+\-*%<>~^}]|return|typeof|case|in|of|do|else|void|delete|throw|await|yield)$/;

const lexicon = new RegExp(
  [
    String.raw`(?<skip>\s+|//[^\n]*|/\*[\s\S]*?\*/)`,
    String.raw`(?<string>'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*")`,
    String.raw`(?<word>[\p{ID_Start}$_#@][\p{ID_Continue}$]*)`,
    String.raw`(?<number>\d[\w.]*)`,
    String.raw`(?<punctuation>[\s\S])`,
  ].join('|'),
  'uy',
);
const regExpLiteral = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/uy;
const templateText = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*/uy;

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  /** Depth of braces in each open `${`, innermost last. */
  const templates: number[] = [];
  let [at, line] = [0, 1];
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match !== null) {
      at += match[0].length;
      line += match[0].split('\n').length - 1;
    }
    return match;
  };
  const skipTemplate = (): void => {
    take(templateText);
    if (source.startsWith('${', at)) {
      templates.push(0);
      at += 2;
    } else {
      at += 1;
    }
  };
  while (at < source.length) {
    const start = line;
    const previous = tokens.at(-1);
    const divides = previous !== undefined && (previous.kind === 'string' || !beforeRegExp.test(previous.text));
    if (source[at] === '/' && !/[/*]/.test(source[at + 1] ?? '') && !divides && take(regExpLiteral) !== null) continue;
    const groups = take(lexicon)?.groups;
    if (groups === undefined) break;
    const { string, word, number, punctuation } = groups;
    if (string !== undefined) tokens.push({ kind: 'string', text: string.slice(1, -1), line: start });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word, line: start });
    else if (number !== undefined) tokens.push({ kind: 'word', text: number, line: start });
    else if (punctuation === '`') skipTemplate();
    else if (punctuation === '}' && templates.at(-1) === 0) {
      templates.pop();
      skipTemplate();
    } else if (punctuation !== undefined) {
      const depth = templates.length - 1;
      if (depth >= 0) templates[depth] = (templates[depth] ?? 0) + braceStep(punctuation);
      tokens.push({ kind: 'punctuation', text: punctuation, line: start });
    }
  }
  return tokens;
}

function braceStep(text: string): number {
  return text === '{' ? 1 : text === '}' ? -1 : 0;
}

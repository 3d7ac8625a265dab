/** The syntax tree of a template. Pure. Named templates (`define`, `template`, `block`) are refused by name. */
import { unsupported } from '../../errors.ts';
import { syntaxError, type Token, tokenize } from './token.ts';

export type Node =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'print'; readonly pipeline: Pipeline }
  | Branch
  | { readonly type: 'break' }
  | { readonly type: 'continue' };

export type Branch = {
  readonly type: 'if' | 'with' | 'range';
  readonly pipeline: Pipeline;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[];
};

export type Pipeline = {
  /** Variables that take the value: `$x :=`, and in a range `$i, $x :=`. */
  readonly variables: readonly string[];
  /** `=` instead of `:=`: the variable is there already. */
  readonly assigns: boolean;
  readonly commands: readonly Command[];
};

/** A function or method with its arguments, or one operand. */
export type Command = readonly Operand[];

export type Operand =
  | { readonly type: 'dot' }
  | { readonly type: 'nil' }
  | { readonly type: 'literal'; readonly value: string | number | boolean }
  | { readonly type: 'function'; readonly name: string }
  /** `.A.B`, `$x.A`, `(pipeline).A`. */
  | { readonly type: 'chain'; readonly base: Operand; readonly names: readonly string[] }
  | { readonly type: 'variable'; readonly name: string }
  | { readonly type: 'pipeline'; readonly pipeline: Pipeline };

type State = {
  readonly tokens: readonly Token[];
  at: number;
  readonly functions: ReadonlySet<string>;
  /** Names of the variables in scope. */
  variables: readonly string[];
  rangeDepth: number;
};

/** Deeper nesting would be an attack on the stack, not a format. */
const deepest = 100;

/**
 * @param functions the names that may be called
 * @throws OnggiError `invalid`, or `unsupported` for named templates
 */
export function parseTemplate(source: string, functions: ReadonlySet<string>): Node[] {
  const state: State = { tokens: tokenize(source), at: 0, functions, variables: ['$'], rangeDepth: 0 };
  const { nodes, stop } = parseNodes(state, 0);
  if (stop !== undefined) throw syntaxError(`unexpected {{${stop}}}`);
  return nodes;
}

type Stop = 'end' | 'else';

function parseNodes(state: State, depth: number): { nodes: Node[]; stop: Stop | undefined } {
  if (depth > deepest) throw syntaxError(`blocks are nested deeper than ${deepest}`);
  const nodes: Node[] = [];
  for (let token = next(state); token !== undefined; token = next(state)) {
    if (token.type === 'text') {
      nodes.push(token);
      continue;
    }
    const word = keyword(state);
    if (word === 'end' || word === 'else') return { nodes, stop: word };
    nodes.push(word === undefined ? { type: 'print', pipeline: closed(state) } : parseKeyword(state, word, depth));
  }
  return { nodes, stop: undefined };
}

const keywords = ['if', 'with', 'range', 'break', 'continue', 'define', 'template', 'block'] as const;
type Keyword = (typeof keywords)[number];

/** Takes the keyword that begins an action, if one does; `end` is taken with its `}}`, `else` without. */
function keyword(state: State): Keyword | Stop | undefined {
  const token = state.tokens[state.at];
  if (token?.type !== 'word') return undefined;
  if (token.text === 'end' || token.text === 'else') {
    state.at += 1;
    if (token.text === 'end') expectClose(state, 'end');
    return token.text;
  }
  const found = keywords.find((word) => word === token.text);
  if (found !== undefined) state.at += 1;
  return found;
}

function parseKeyword(state: State, word: Keyword, depth: number): Node {
  if (word === 'define' || word === 'template' || word === 'block') throw unsupported(`template action {{${word}}}`);
  if (word === 'break' || word === 'continue') {
    if (state.rangeDepth === 0) throw syntaxError(`{{${word}}} outside {{range}}`);
    expectClose(state, word);
    return { type: word };
  }
  return parseBranch(state, word, depth);
}

function parseBranch(state: State, type: Branch['type'], depth: number): Branch {
  const outer = state.variables;
  const pipeline = closed(state, type === 'range');
  if (type === 'range') state.rangeDepth += 1;
  const { nodes: body, stop } = parseNodes(state, depth + 1);
  if (type === 'range') state.rangeDepth -= 1;
  let otherwise: readonly Node[] = [];
  if (stop === 'else') otherwise = parseElse(state, type, depth);
  else if (stop === undefined) throw syntaxError('unexpected EOF');
  state.variables = outer;
  return { type, pipeline, body, otherwise };
}

function parseElse(state: State, type: Branch['type'], depth: number): readonly Node[] {
  const token = state.tokens[state.at];
  if (token?.type === 'word' && token.text === type && type !== 'range') {
    state.at += 1;
    // `{{else if}}` is an `if` inside the else, closed by the same `{{end}}`.
    return [parseBranch(state, type, depth + 1)];
  }
  expectClose(state, 'else');
  const { nodes, stop } = parseNodes(state, depth + 1);
  if (stop !== 'end') throw syntaxError(stop === 'else' ? 'expected end; found {{else}}' : 'unexpected EOF');
  return nodes;
}

function closed(state: State, isRange = false): Pipeline {
  const pipeline = parsePipeline(state, isRange, 0);
  expectClose(state, 'command');
  return pipeline;
}

function parsePipeline(state: State, isRange: boolean, depth: number): Pipeline {
  if (depth > deepest) throw syntaxError(`parentheses are nested deeper than ${deepest}`);
  const { variables, assigns } = parseDeclaration(state, isRange);
  const commands: Command[] = [parseCommand(state, depth)];
  while (takeSymbol(state, '|')) commands.push(parseCommand(state, depth));
  for (const command of commands.slice(1)) {
    const type = command[0]?.type;
    if (type === 'literal' || type === 'dot' || type === 'nil') throw syntaxError('non executable command in pipeline');
  }
  if (!assigns) state.variables = [...state.variables, ...variables];
  return { variables, assigns, commands };
}

function parseDeclaration(state: State, isRange: boolean): Pick<Pipeline, 'variables' | 'assigns'> {
  const start = state.at;
  const variables: string[] = [];
  for (let token = state.tokens[state.at]; token?.type === 'variable'; token = state.tokens[state.at]) {
    variables.push(token.text);
    state.at += 1;
    if (!takeSymbol(state, ',')) break;
  }
  const assigns = takeSymbol(state, '=');
  if (variables.length > 0 && (assigns || takeSymbol(state, ':='))) {
    if (variables.length > (isRange ? 2 : 1)) throw syntaxError('too many declarations in command');
    for (const name of assigns ? variables : []) checkVariable(state, name);
    return { variables, assigns };
  }
  state.at = start;
  return { variables: [], assigns: false };
}

function checkVariable(state: State, name: string): void {
  if (!state.variables.includes(name)) throw syntaxError(`undefined variable "${name}"`);
}

function parseCommand(state: State, depth: number): Command {
  const operands: Operand[] = [];
  for (;;) {
    const operand = parseOperand(state, depth);
    if (operand === undefined) break;
    operands.push(operand);
  }
  const first = operands[0];
  if (first === undefined) throw syntaxError('missing value for command');
  if (first.type === 'nil') throw syntaxError('nil is not a command');
  if (operands.length > 1 && (first.type === 'literal' || first.type === 'dot')) {
    throw syntaxError("can't give argument to non-function");
  }
  return operands;
}

function parseOperand(state: State, depth: number): Operand | undefined {
  const base = parseTerm(state, depth);
  if (base === undefined) return undefined;
  const names: string[] = [];
  for (let token = state.tokens[state.at]; token?.type === 'field' && token.joined; token = state.tokens[state.at]) {
    names.push(token.text);
    state.at += 1;
  }
  if (names.length === 0) return base;
  if (base.type === 'literal' || base.type === 'nil') throw syntaxError(`unexpected .${names[0]} after a constant`);
  return base.type === 'chain' ? { ...base, names: [...base.names, ...names] } : { type: 'chain', base, names };
}

function parseTerm(state: State, depth: number): Operand | undefined {
  const token = state.tokens[state.at];
  if (token === undefined) throw syntaxError('unclosed action');
  if (token.type === 'close' || (token.type === 'symbol' && token.text !== '(')) return undefined;
  state.at += 1;
  switch (token.type) {
    case 'dot':
      return { type: 'dot' };
    case 'field':
      return { type: 'chain', base: { type: 'dot' }, names: [token.text] };
    case 'string':
    case 'number':
      return { type: 'literal', value: token.value };
    case 'variable':
      checkVariable(state, token.text);
      return { type: 'variable', name: token.text };
    case 'word':
      return wordOperand(state, token.text);
    case 'symbol': {
      const pipeline = parsePipeline(state, false, depth + 1);
      if (!takeSymbol(state, ')')) throw syntaxError('unclosed left paren');
      return { type: 'pipeline', pipeline };
    }
    default:
      throw syntaxError('unexpected "{{" in command');
  }
}

function wordOperand(state: State, word: string): Operand {
  if (word === 'nil') return { type: 'nil' };
  if (word === 'true' || word === 'false') return { type: 'literal', value: word === 'true' };
  if (!state.functions.has(word)) throw syntaxError(`function "${word}" not defined`);
  return { type: 'function', name: word };
}

function next(state: State): Token | undefined {
  const token = state.tokens[state.at];
  state.at += 1;
  return token;
}

function takeSymbol(state: State, text: string): boolean {
  const token = state.tokens[state.at];
  const found = token?.type === 'symbol' && token.text === text;
  if (found) state.at += 1;
  return found;
}

function expectClose(state: State, where: string): void {
  const token = next(state);
  if (token?.type === 'close') return;
  const found = token !== undefined && 'text' in token ? ` "${token.text}"` : '';
  throw syntaxError(`unexpected${found === '' ? ' token' : found} in ${where}`);
}

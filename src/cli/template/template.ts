/** Templates of `--format`: parse once, execute on values. Pure. */
import {
  functions as defaultFunctions,
  evaluationError,
  isTrue,
  lazyFunctions,
  type TemplateFunction,
} from './function.ts';
import { type Branch, type Command, type Node, type Operand, type Pipeline, parseTemplate } from './parse.ts';
import { isRecord, printedValue, sortedKeys } from './print.ts';

/** @throws OnggiError `invalid` when the data lacks what the template names */
export type Template = (data: unknown) => string;

export type TemplateOptions = {
  /**
   * What to do about `.name` that `parent` (the name of the record it was looked for in, if it has one) lacks: throw,
   * or the value it stands for.
   */
  readonly missing?: (name: string, parent: string | undefined) => unknown;
  /** What a field of this name prints as where it holds nothing; undefined for "<no value>". */
  readonly empty?: (name: string) => string | undefined;
  /** Functions that differ from the usual ones. */
  readonly functions?: Readonly<Record<string, TemplateFunction>>;
};

type Variable = { readonly name: string; value: unknown };

type State = {
  readonly options: TemplateOptions;
  readonly variables: Variable[];
  readonly output: string[];
};

type Flow = 'on' | 'break' | 'continue';

/** @throws OnggiError `invalid` on a syntax error, `unsupported` on named templates */
export function compileTemplate(source: string, options: TemplateOptions = {}): Template {
  const names = new Set([...lazyFunctions, ...Object.keys(defaultFunctions), ...Object.keys(options.functions ?? {})]);
  const nodes = parseTemplate(source, names);
  return (data) => {
    const state: State = { options, variables: [{ name: '$', value: data }], output: [] };
    execute(state, nodes, data);
    return state.output.join('');
  };
}

function execute(state: State, nodes: readonly Node[], dot: unknown): Flow {
  for (const node of nodes) {
    if (node.type === 'text') {
      state.output.push(node.text);
    } else if (node.type === 'print') {
      const value = plainField(node.pipeline, dot) ?? evaluate(state, node.pipeline, dot);
      if (node.pipeline.variables.length === 0)
        state.output.push(emptyField(state, node.pipeline, value) ?? printedValue(value));
    } else if (node.type === 'break' || node.type === 'continue') {
      return node.type;
    } else {
      const flow = executeBranch(state, node, dot);
      if (flow !== 'on') return flow;
    }
  }
  return 'on';
}

/** Of `{{.Name}}`, what tables consist of, the short way; undefined when it takes more than to look into `dot`. */
function plainField({ variables, commands }: Pipeline, dot: unknown): string | undefined {
  const operand = commands[0]?.[0];
  if (commands.length !== 1 || commands[0]?.length !== 1 || variables.length > 0) return undefined;
  if (operand?.type !== 'chain' || operand.names.length !== 1 || operand.base.type !== 'dot') return undefined;
  const [name = ''] = operand.names;
  if (!isRecord(dot) || !Object.hasOwn(dot, name)) return undefined;
  const value = dot[name];
  return typeof value === 'string' ? value : undefined;
}

/** Of a field and nothing else: Go knows its type there, also when it holds nothing. */
function emptyField({ options }: State, { commands }: Pipeline, value: unknown): string | undefined {
  if ((value !== null && value !== undefined) || options.empty === undefined) return undefined;
  const operand = commands.at(-1)?.length === 1 ? commands.at(-1)?.[0] : undefined;
  return operand?.type === 'chain' ? options.empty(operand.names.at(-1) ?? '') : undefined;
}

/** Variables that a block declares end with it. */
function executeBranch(state: State, node: Branch, dot: unknown): Flow {
  const mark = state.variables.length;
  try {
    if (node.type === 'range') return executeRange(state, node, dot);
    const value = evaluate(state, node.pipeline, dot);
    if (!isTrue(value)) return execute(state, node.otherwise, dot);
    return execute(state, node.body, node.type === 'with' ? value : dot);
  } finally {
    state.variables.length = mark;
  }
}

function executeRange(state: State, node: Branch, dot: unknown): Flow {
  const { variables, assigns } = node.pipeline;
  const entries = entriesOf(evaluate(state, { ...node.pipeline, variables: [] }, dot));
  if (entries.length === 0) return execute(state, node.otherwise, dot);
  for (const [key, value] of entries) {
    const mark = state.variables.length;
    const values = variables.length === 2 ? [key, value] : [value];
    for (const [i, name] of variables.entries()) bind(state, name, values[i], assigns);
    const flow = execute(state, node.body, value);
    state.variables.length = mark;
    if (flow === 'break') break;
  }
  return 'on';
}

/** A map is walked in the order of its keys, a number counts up to it. */
function entriesOf(value: unknown): (readonly [unknown, unknown])[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return [...value.entries()];
  if (isRecord(value)) return sortedKeys(value).map((key) => [key, value[key]]);
  if (typeof value === 'number' && Number.isInteger(value) && value < 1_000_000) {
    return Array.from({ length: Math.max(0, value) }, (_, i) => [i, i]);
  }
  throw evaluationError(`range can't iterate over ${printedValue(value)}`);
}

function bind(state: State, name: string, value: unknown, assigns: boolean): void {
  const variable = assigns ? state.variables.findLast((known) => known.name === name) : undefined;
  if (variable === undefined) state.variables.push({ name, value });
  else variable.value = value;
}

function evaluate(state: State, pipeline: Pipeline, dot: unknown): unknown {
  let value: unknown;
  for (const [i, command] of pipeline.commands.entries()) {
    value = evaluateCommand(state, command, dot, i === 0 ? [] : [value]);
  }
  for (const name of pipeline.variables) bind(state, name, value, pipeline.assigns);
  return value;
}

/** @param piped the value of the command before, which becomes the last argument */
function evaluateCommand(state: State, command: Command, dot: unknown, piped: readonly unknown[]): unknown {
  const [first, ...rest] = command;
  if (first === undefined) throw evaluationError('missing value for command');
  if (first.type === 'function') return call(state, first.name, rest, dot, piped);
  const value = evaluateOperand(state, first, dot, false);
  if (typeof value === 'function') {
    const result: unknown = value(...rest.map((operand) => evaluateOperand(state, operand, dot, true)), ...piped);
    return result;
  }
  if (rest.length + piped.length > 0) {
    throw evaluationError(`${describe(first)} has arguments but cannot be invoked as function`);
  }
  return value;
}

function call(state: State, name: string, rest: readonly Operand[], dot: unknown, piped: readonly unknown[]): unknown {
  if (name === 'and' || name === 'or') return callLazily(state, name, rest, dot, piped);
  const target = state.options.functions?.[name] ?? defaultFunctions[name];
  if (target === undefined) throw evaluationError(`function "${name}" not defined`);
  return target(...rest.map((operand) => evaluateOperand(state, operand, dot, true)), ...piped);
}

/** The first argument that decides, else the last one; those after it are not evaluated. */
function callLazily(
  state: State,
  name: 'and' | 'or',
  rest: readonly Operand[],
  dot: unknown,
  piped: readonly unknown[],
): unknown {
  let value: unknown = piped[0];
  if (rest.length + piped.length === 0)
    throw evaluationError(`wrong number of args for ${name}: want at least 1 got 0`);
  for (const operand of rest) {
    value = evaluateOperand(state, operand, dot, true);
    if (isTrue(value) === (name === 'or')) return value;
  }
  return piped.length > 0 ? piped[0] : value;
}

/** @param invokes whether a method without arguments is called, as it is everywhere but in front of its arguments */
function evaluateOperand(state: State, operand: Operand, dot: unknown, invokes: boolean): unknown {
  switch (operand.type) {
    case 'dot':
      return dot;
    case 'nil':
      return null;
    case 'literal':
      return operand.value;
    case 'function':
      return call(state, operand.name, [], dot, []);
    case 'variable':
      return state.variables.findLast((variable) => variable.name === operand.name)?.value;
    case 'pipeline':
      return evaluate(state, operand.pipeline, dot);
    case 'chain':
      return walk(state, operand, dot, invokes);
  }
}

function walk(state: State, operand: Extract<Operand, { type: 'chain' }>, dot: unknown, invokes: boolean): unknown {
  let value = evaluateOperand(state, operand.base, dot, true);
  let parent: string | undefined;
  for (const [i, name] of operand.names.entries()) {
    if (value === null || value === undefined) throw evaluationError(`nil pointer evaluating ${describe(operand)}`);
    if (!isRecord(value)) throw evaluationError(`can't evaluate field ${name} in ${printedValue(value)}`);
    if (Object.hasOwn(value, name)) value = value[name];
    else if (state.options.missing !== undefined) value = state.options.missing(name, parent);
    else throw evaluationError(`map has no entry for key "${name}"`);
    const last = i === operand.names.length - 1;
    if (typeof value === 'function' && (invokes || !last)) value = value() as unknown;
    parent = name;
  }
  return value;
}

function describe(operand: Operand): string {
  switch (operand.type) {
    case 'chain':
      return `${operand.base.type === 'dot' ? '' : describe(operand.base)}.${operand.names.join('.')}`;
    case 'variable':
    case 'function':
      return operand.name;
    case 'literal':
      return JSON.stringify(operand.value);
    case 'dot':
      return '.';
    default:
      return operand.type;
  }
}

/** Which modules are loaded together. Pure. */
import { posix } from 'node:path';
import { scanImports } from './import-scan.ts';

/** All modules that the roots need, by static imports, among them themselves. Paths and texts below src/. */
export function staticClosure(files: ReadonlyMap<string, string>, roots: readonly string[]): Set<string> {
  const closure = new Set<string>();
  const todo = [...roots];
  for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
    const text = files.get(path);
    if (text === undefined) throw new Error(`no such module: ${path}`);
    if (closure.has(path)) continue;
    closure.add(path);
    todo.push(...staticImports(path, text));
  }
  return closure;
}

function staticImports(path: string, text: string): string[] {
  return scanImports(text)
    .filter(({ specifier, typeOnly, deferred }) => specifier.startsWith('.') && !typeOnly && !deferred)
    .map(({ specifier }) => posix.join(posix.dirname(path), specifier));
}

/**
 * One group for each set of commands that need a module: none of them reads more than it uses, nor in more pieces than
 * there are sets. Whoever imports a module is needed by no more commands than it is, so groups import each other in one
 * direction, and modules are evaluated in the order that they would be without them.
 * @returns names of groups by path
 */
export function groupsOf(
  files: ReadonlyMap<string, string>,
  commands: Readonly<Record<string, readonly string[]>>,
): Map<string, string> {
  const needed = new Map<string, string[]>();
  for (const [name, roots] of Object.entries(commands)) {
    for (const path of staticClosure(files, roots)) needed.set(path, [...(needed.get(path) ?? []), name]);
  }
  return new Map([...needed].map(([path, names]) => [path, names.join('+').replaceAll(' ', '-')]));
}

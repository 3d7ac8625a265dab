/** Judges sources against the import table. Pure: paths and texts in, violations out. */
import { posix } from 'node:path';
import { type GlobalUse, type Import, scanGlobals, scanImports } from './import-scan.ts';
import type { FolderRule, ImportTable } from './import-table.ts';

export type Violation = { readonly file: string; readonly line: number; readonly rule: string };

type Source = {
  /** Relative to src/: `engine/index.ts`. */
  readonly path: string;
  /** First component; '' for a file directly in src/. */
  readonly folder: string;
  readonly isTest: boolean;
  readonly imports: readonly Import[];
  /** Uses of the table's acting globals. */
  readonly globals: readonly GlobalUse[];
};

/** What the tests of a folder share; those of the folders above may use it too. */
const testing = /(^|\/)testing\.ts$/;

/** @param files texts by path relative to src/, with `/` between components */
export function checkImports(files: ReadonlyMap<string, string>, table: ImportTable): Violation[] {
  const sources = [...files].map(([path, text]) => readSource(path, text, table));
  const known = new Set(files.keys());
  return [
    ...sources.flatMap((source) => checkSource(source, known, table)),
    ...Object.entries(table.folders).flatMap(([folder, rule]) => checkEntries(folder, rule, sources, table)),
  ];
}

function readSource(path: string, text: string, table: ImportTable): Source {
  const folder = path.includes('/') ? (path.split('/')[0] ?? '') : '';
  return {
    path,
    folder,
    isTest: testing.test(path) || /\.(test|contract)\.ts$/.test(path),
    imports: scanImports(text),
    globals: scanGlobals(text, table.actingGlobals),
  };
}

function checkSource(source: Source, known: ReadonlySet<string>, table: ImportTable): Violation[] {
  if (
    source.folder === '' ? !table.shared.includes(source.path) && !source.isTest : !(source.folder in table.folders)
  ) {
    return [{ file: source.path, line: 1, rule: 'is in no folder of scripts/import-table.ts; give it a row' }];
  }
  const pure = !source.isTest && !acts(source.path, table);
  const reaching = pure ? source.globals : [];
  const uses = reaching.map(({ name, line }) => ({ file: source.path, line, rule: `is pure, but uses ${name}` }));
  const imports = source.imports.flatMap((entry) => {
    const rule = entry.specifier.startsWith('.')
      ? judgeFile(source, entry, known, table)
      : judgeModule(source, entry, table);
    return rule === undefined ? [] : [{ file: source.path, line: entry.line, rule }];
  });
  return [...uses, ...imports];
}

function judgeFile(source: Source, entry: Import, known: ReadonlySet<string>, table: ImportTable): string | undefined {
  const target = posix.join(posix.dirname(source.path), entry.specifier);
  if (target.startsWith('../')) {
    // package.json and the like lie above src/ and are not in the library's package.
    return source.isTest ? undefined : `imports "${entry.specifier}", which lies outside src/`;
  }
  if (!known.has(target)) return `imports "${entry.specifier}", but src/${target} is not there`;
  const folder = target.includes('/') ? (target.split('/')[0] ?? '') : '';
  if (folder !== source.folder) {
    const crossing = judgeCrossing(source, target, folder, table);
    if (crossing !== undefined) return crossing;
  }
  if (!entry.typeOnly && !source.isTest && !acts(source.path, table) && acts(target, table)) {
    return `is pure, but imports src/${target}, which acts`;
  }
  return undefined;
}

function judgeCrossing(source: Source, target: string, folder: string, table: ImportTable): string | undefined {
  if (folder === '') return table.shared.includes(target) ? undefined : `imports src/${target}, which is not shared`;
  const allowed = table.folders[source.folder]?.imports ?? [];
  if (!allowed.includes(folder)) {
    const list = allowed.length === 0 ? 'nothing' : allowed.join(', ');
    return `imports src/${target}: ${source.folder === '' ? 'a shared file' : `${source.folder}/`} may import ${list}`;
  }
  if (source.isTest && testing.test(target)) return undefined;
  const open = table.folders[folder]?.public;
  if (open !== undefined && !open.some((pattern) => matches(pattern, target.slice(folder.length + 1)))) {
    return `imports src/${target}, which is private to ${folder}/`;
  }
  return undefined;
}

function judgeModule(source: Source, entry: Import, table: ImportTable): string | undefined {
  const { specifier } = entry;
  if (source.isTest && /^node:(test|assert|assert\/strict|test\/.*)$/.test(specifier)) return undefined;
  if (table.pureModules.includes(specifier)) return undefined;
  if (table.actingModules.includes(specifier)) {
    if (entry.typeOnly || source.isTest || acts(source.path, table)) return undefined;
    return `is pure, but imports "${specifier}"; move the part that acts to a file listed as acting`;
  }
  if (/^[a-z]+:/.test(specifier)) return `imports "${specifier}", which is not in scripts/import-table.ts`;
  const packageName = /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
  const packages = table.folders[source.folder]?.packages ?? [];
  return packages.includes(packageName)
    ? undefined
    : `imports the package "${specifier}", not allowed in ${source.folder}/`;
}

/** Entries of the table that name nothing, so that the table never says more than the sources do. */
function checkEntries(folder: string, rule: FolderRule, sources: readonly Source[], table: ImportTable): Violation[] {
  const file = 'scripts/import-table.ts';
  const inside = sources.filter((source) => source.folder === folder && !source.isTest);
  const named = (pattern: string) => inside.filter((source) => matches(pattern, source.path.slice(folder.length + 1)));
  const stalePublic = (rule.public ?? [])
    .filter((pattern) => named(pattern).length === 0)
    .map((pattern) => ({ file, line: 1, rule: `${folder}: public "${pattern}" matches no file` }));
  const staleActing = rule.acting
    .filter((pattern) => !named(pattern).some((source) => reachesOut(source, table)))
    .map((pattern) => ({ file, line: 1, rule: `${folder}: acting "${pattern}" matches no file that acts` }));
  return [...stalePublic, ...staleActing];
}

function reachesOut(source: Source, table: ImportTable): boolean {
  if (source.globals.length > 0) return true;
  return source.imports.some((entry) => {
    if (entry.typeOnly) return false;
    if (table.actingModules.includes(entry.specifier)) return true;
    return entry.specifier.startsWith('.') && acts(posix.join(posix.dirname(source.path), entry.specifier), table);
  });
}

/** Whether the table lists a file of src/ as acting. */
function acts(path: string, table: ImportTable): boolean {
  const [folder = '', ...rest] = path.split('/');
  return table.folders[folder]?.acting.some((pattern) => matches(pattern, rest.join('/'))) ?? false;
}

function matches(pattern: string, path: string): boolean {
  const [head = '', tail] = pattern.split('*');
  if (tail === undefined) return pattern === path;
  return path.length >= head.length + tail.length && path.startsWith(head) && path.endsWith(tail);
}

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkImports } from './import-rules.ts';
import { scanImports } from './import-scan.ts';
import type { ImportTable } from './import-table.ts';
import { importTable } from './import-table.ts';

const table: ImportTable = {
  shared: ['errors.ts'],
  folders: {
    cli: { imports: ['engine'], acting: [] },
    engine: { imports: ['store', 'network'], acting: ['run.ts'] },
    network: { imports: ['store'], acting: [] },
    store: { imports: [], packages: ['valibot'], public: ['blob.ts', 'row.ts'], acting: ['blob.ts'] },
  },
  actingModules: ['node:fs'],
  actingGlobals: ['fetch', 'process.kill'],
  pureModules: ['node:path'],
};

const clean: Record<string, string> = {
  'errors.ts': 'export const codes = {};',
  'cli/main.ts': "export const main = () => import('../engine/index.ts');",
  'engine/index.ts': "import type { Blob } from '../store/blob.ts';\nimport { row } from '../store/row.ts';",
  'engine/run.ts': "import { blob } from '../store/blob.ts';",
  'network/route.ts': "import { codes } from '../errors.ts';",
  'store/blob.ts': "import { readFileSync } from 'node:fs';\nimport * as v from 'valibot';",
  'store/row.ts': "import { join } from 'node:path';",
  'store/private.ts': '',
  'store/row.test.ts': "import { test } from 'node:test';\nimport { writeFileSync } from 'node:fs';",
};

function check(changes: Record<string, string>): string[] {
  const files = new Map(Object.entries({ ...clean, ...changes }));
  return checkImports(files, table).map(({ file, line, rule }) => `${file}:${line}: ${rule}`);
}

test('a tree that keeps the table has no violation', () => {
  assert.deepEqual(check({}), []);
});

const violations: { what: string; files: Record<string, string>; expected: RegExp }[] = [
  {
    what: 'upward import',
    files: { 'store/row.ts': "\n\nimport { main } from '../cli/main.ts';" },
    expected: /^store\/row\.ts:3: imports src\/cli\/main\.ts: store\/ may import nothing$/,
  },
  {
    what: 'upward import of a type',
    files: { 'store/row.ts': "import type { Engine } from '../engine/index.ts';" },
    expected: /^store\/row\.ts:1: imports src\/engine\/index\.ts/,
  },
  {
    what: 'upward import by a type expression',
    files: { 'store/row.ts': "export type E = import('../engine/index.ts').Engine;" },
    expected: /^store\/row\.ts:1: imports src\/engine\/index\.ts/,
  },
  {
    what: 'upward re-export',
    files: { 'network/route.ts': "export * from '../engine/index.ts';" },
    expected: /^network\/route\.ts:1: .* network\/ may import store$/,
  },
  {
    what: 'sideways import, dynamic',
    files: { 'network/route.ts': "const x = await import('../cli/main.ts');" },
    expected: /^network\/route\.ts:1: imports src\/cli\/main\.ts/,
  },
  {
    what: 'upward import by a test',
    files: { 'store/row.test.ts': "import { main } from '../cli/main.ts';" },
    expected: /^store\/row\.test\.ts:1: imports src\/cli\/main\.ts/,
  },
  {
    what: 'layer skipped: the face reaches the store',
    files: { 'cli/main.ts': "import { row } from '../store/row.ts';" },
    expected: /^cli\/main\.ts:1: imports src\/store\/row\.ts: cli\/ may import engine$/,
  },
  {
    what: 'private file of another folder',
    files: { 'engine/index.ts': "import '../store/private.ts';" },
    expected: /^engine\/index\.ts:1: imports src\/store\/private\.ts, which is private to store\/$/,
  },
  {
    what: 'pure file that imports an acting module',
    files: { 'network/route.ts': "import { type Stats, statSync } from 'node:fs';" },
    expected: /^network\/route\.ts:1: is pure, but imports "node:fs"/,
  },
  {
    what: 'pure file that imports an acting file',
    files: { 'engine/index.ts': "import { blob } from '../store/blob.ts';" },
    expected: /^engine\/index\.ts:1: is pure, but imports src\/store\/blob\.ts, which acts$/,
  },
  {
    what: 'pure file that uses an acting global',
    files: { 'network/route.ts': "\nspec.process.kill; 'fetch()';\nprocess.kill(1);" },
    expected: /^network\/route\.ts:3: is pure, but uses process\.kill$/,
  },
  {
    what: 'module without the node: prefix or of one runtime',
    files: { 'store/blob.ts': "import 'node:fs';\nimport { Database } from 'bun:sqlite';" },
    expected: /^store\/blob\.ts:2: imports "bun:sqlite", which is not in scripts\/import-table\.ts$/,
  },
  {
    what: 'package that the folder may not use',
    files: { 'network/route.ts': "import * as v from 'valibot';" },
    expected: /^network\/route\.ts:1: imports the package "valibot", not allowed in network\/$/,
  },
  {
    what: 'shared file that imports a folder',
    files: { 'errors.ts': "import { row } from './store/row.ts';" },
    expected: /^errors\.ts:1: imports src\/store\/row\.ts: a shared file may import nothing$/,
  },
  {
    what: 'folder without a row',
    files: { 'shelf/book.ts': '' },
    expected: /^shelf\/book\.ts:1: is in no folder/,
  },
  {
    what: 'entry that names nothing that acts',
    files: { 'engine/run.ts': '' },
    expected: /^scripts\/import-table\.ts:1: engine: acting "run\.ts" matches no file that acts$/,
  },
  {
    what: 'import from outside src/',
    files: { 'engine/index.ts': "import manifest from '../../package.json' with { type: 'json' };" },
    expected: /^engine\/index\.ts:1: imports "\.\.\/\.\.\/package\.json", which lies outside src\/$/,
  },
];

for (const { what, files, expected } of violations) {
  test(`refused: ${what}`, () => {
    const found = check(files);
    assert.equal(found.length, 1, found.join('\n'));
    assert.match(found[0] ?? '', expected);
  });
}

test('imports are found where they are, and nowhere else', () => {
  const source = [
    "// import a from 'comment';",
    "/* import b from 'comment'; */ import c from 'default';",
    "const text = \"import d from 'string'\"; const path = /'import e'/;",
    "const template = `import f from 'template' ${await import('in-template')} export * from 'template'`;",
    'import {',
    '  type One,',
    '  type Two,',
    "} from 'types-in-braces';",
    "import { type Three, four } from 'mixed';",
    "export { five } from 'reexport';",
    "export type { Six } from 'type-reexport';",
    "import 'effect';",
    "const lazy = async () => (await import('lazy')).run;",
    "type Seven = import('type-expression').Seven;",
    "export const eight = 'not-an-import';",
    "object.import('member');",
    "export default function from() { return 'x'; }",
    'const half = total / 2; const other = "/"; import("computed" + other);',
  ].join('\n');
  assert.deepEqual(
    scanImports(source).map(({ specifier, line, typeOnly }) => `${line} ${specifier}${typeOnly ? ' (type)' : ''}`),
    [
      '2 default',
      '4 in-template',
      '8 types-in-braces (type)',
      '9 mixed',
      '10 reexport',
      '11 type-reexport (type)',
      '12 effect',
      '13 lazy',
      '14 type-expression (type)',
      '18 computed',
    ],
  );
});

test('the command fails on a violating tree and names file, line and rule', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'onggi-imports-'));
  t.after(() => rmSync(directory, { recursive: true }));
  for (const folder of ['oci', 'cli']) mkdirSync(join(directory, folder));
  writeFileSync(join(directory, 'cli/main.ts'), 'export {};\n');
  writeFileSync(join(directory, 'oci/digest.ts'), "// fixture\nimport '../cli/main.ts';\n");
  const command = join(import.meta.dirname, 'check-imports.ts');
  const result = spawnSync(process.execPath, [command, directory], { encoding: 'utf8' });
  assert.equal(result.status, 1);
  assert.match(result.stderr, /^src\/oci\/digest\.ts:2: imports src\/cli\/main\.ts: oci\/ may import nothing$/m);
});

test('the table itself points downward only', () => {
  const done = new Set<string>();
  const visit = (folder: string, trail: readonly string[]): void => {
    assert.ok(!trail.includes(folder), `circle: ${[...trail, folder].join(' -> ')}`);
    if (done.has(folder)) return;
    for (const below of importTable.folders[folder]?.imports ?? []) {
      assert.ok(below in importTable.folders, `"${below}" has no row`);
      visit(below, [...trail, folder]);
    }
    done.add(folder);
  };
  for (const folder of Object.keys(importTable.folders)) visit(folder, []);
});

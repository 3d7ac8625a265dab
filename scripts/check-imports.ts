/**
 * `make check`: fails with file:line and the rule on each import of src/ that scripts/import-table.ts does not allow.
 *
 *   node scripts/check-imports.ts [DIRECTORY]     DIRECTORY instead of src/
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { checkImports } from './import-rules.ts';
import { importTable } from './import-table.ts';

const directory = resolve(process.argv[2] ?? join(import.meta.dirname, '../src'));
const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
const files = new Map(paths.sort().map((path) => [path, readFileSync(join(directory, path), 'utf8')]));
const violations = checkImports(files, importTable);

for (const { file, line, rule } of violations) {
  console.error(`${file.startsWith('scripts/') ? file : `src/${file}`}:${line}: ${rule}`);
}
if (violations.length > 0) {
  console.error(`check-imports: ${violations.length} imports break scripts/import-table.ts`);
  process.exitCode = 1;
} else {
  console.log(`check-imports: ${files.size} files keep scripts/import-table.ts`);
}

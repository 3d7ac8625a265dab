/** `make check`: fails with file:line and the rule on each line that scripts/hazard-table.ts forbids. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findHazards } from './hazard-rules.ts';
import { hazards } from './hazard-table.ts';

const repository = join(import.meta.dirname, '..');
const paths = globSync(['native/*/*.c', 'native/*/*.h', 'src/**/*.ts'], { cwd: repository }).sort();
const files = new Map(paths.map((path) => [path, readFileSync(join(repository, path), 'utf8')]));
const findings = findHazards(files, hazards);

for (const { file, line, rule } of findings) console.error(`${file}:${line}: ${rule}`);
if (findings.length > 0) {
  console.error(`check-hazards: ${findings.length} places break scripts/hazard-table.ts`);
  process.exitCode = 1;
} else {
  console.log(`check-hazards: ${files.size} files keep scripts/hazard-table.ts`);
}

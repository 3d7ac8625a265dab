/**
 * Runs the tests and ends with "N passed, N failed" (", N skipped" may follow), alone on the last line.
 *
 *   node scripts/run-tests.ts [PHASE...]     all phases when none is named
 */
import { phases } from './test-phases.ts';
import { type Counts, closingLine, sum } from './test-summary.ts';

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !phases.some((phase) => phase.name === name));
if (unknown.length > 0) {
  console.error(`run-tests: "${unknown.join('", "')}": not one of ${phases.map((phase) => phase.name).join(', ')}`);
  process.exit(2);
}

const all: { readonly name: string; readonly counts: Counts; readonly seconds: number }[] = [];
for (const phase of phases) {
  if (wanted.length > 0 && !wanted.includes(phase.name)) continue;
  console.log(`\n== ${phase.title}`);
  const started = Date.now();
  const counts = await phase.run();
  all.push({ name: phase.name, counts, seconds: (Date.now() - started) / 1000 });
}

console.log('\n== Summary');
for (const { name, counts, seconds } of all) {
  console.log(`${name.padEnd(10)} ${closingLine(counts)} (${seconds.toFixed(1)} s)`);
}
const total = sum(all.map(({ counts }) => counts));
console.log(closingLine(total));
// A run in which nothing ran has shown nothing.
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

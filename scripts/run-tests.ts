/**
 * Runs the tests and ends with "N passed, N failed" (", N skipped" may follow), alone on the last line.
 *
 *   node scripts/run-tests.ts [PHASE...]     all phases when none is named
 */
import { availableParallelism } from 'node:os';
import { runPhases } from './phase-run.ts';
import { phases } from './test-phases.ts';
import { closingLine, sum } from './test-summary.ts';

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !phases.some((phase) => phase.name === name));
if (unknown.length > 0) {
  console.error(`run-tests: "${unknown.join('", "')}": not one of ${phases.map((phase) => phase.name).join(', ')}`);
  process.exit(2);
}

const chosen = phases.filter((phase) => wanted.length === 0 || wanted.includes(phase.name));
const all = await runPhases(chosen, Math.min(2, availableParallelism()), (line) => console.log(line));

console.log('\n== Summary');
for (const { name, counts, seconds } of all) {
  console.log(`${name.padEnd(10)} ${closingLine(counts)} (${seconds.toFixed(1)} s)`);
}
const total = sum(all.map(({ counts }) => counts));
console.log(closingLine(total));
// A run in which nothing ran has shown nothing.
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

/**
 * Runs the example of the packed library under both runtimes.
 *
 *   node scripts/test-library.ts PROJECT     where pack-library.ts has installed it
 */
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { busyboxTar, repository } from '../test/harness/busybox-image.ts';
import { findLeaks, snapshot } from '../test/harness/leaks.ts';
import { lockMachine } from '../test/harness/machine-lock.ts';
import { run } from '../test/harness/program.ts';
import { runCheck } from './test-program.ts';
import { type Counts, none, sum, summaryLine } from './test-summary.ts';

const [project] = process.argv.slice(2);
if (project === undefined) throw new Error('usage: test-library.ts PROJECT');
console.log(summaryLine(await testLibrary(project)));

async function testLibrary(project: string): Promise<Counts> {
  const tar = await busyboxTar();
  await lockMachine();
  const before = snapshot();
  cpSync(join(repository, 'examples/library.ts'), join(project, 'library.ts'));
  const results: Counts[] = [];
  for (const [name, command] of Object.entries({ Node: process.execPath, Bun: await bunPath() })) {
    const root = join(project, name.toLowerCase());
    results.push(
      await runCheck(
        `examples/library.ts under ${name}`,
        {
          command,
          args: ['library.ts', tar, root],
          directory: project,
          limit: 60,
        },
        console.log,
      ),
    );
  }
  const leaks = await findLeaks(before);
  for (const leak of leaks) console.log(`FAIL the library left behind: ${leak}`);
  return sum([...results, { ...none, failed: leaks.length }]);
}

async function bunPath(): Promise<string> {
  const directory = join(repository, 'toolchain/node_modules/@oven');
  const name = readdirSync(directory).find((entry) => entry.startsWith('bun-linux-'));
  if (name === undefined) throw new Error(`"${directory}" holds no bun: run make`);
  const path = join(directory, name, 'bin/bun');
  const version = await run(path, ['--version']);
  if (version.status !== 0) throw new Error(`"${path}" does not run: ${version.stderr}`);
  return path;
}

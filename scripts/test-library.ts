/** The library as its users get it: packed by npm, installed into an empty project, run under both runtimes. */
import { cpSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { busyboxTar, repository } from '../test/harness/busybox-image.ts';
import { findLeaks, snapshot } from '../test/harness/leaks.ts';
import { lockMachine } from '../test/harness/machine-lock.ts';
import { run } from '../test/harness/program.ts';
import { makeScratch } from '../test/harness/scratch.ts';
import { runCheck } from './test-program.ts';
import { type Counts, none, sum } from './test-summary.ts';

export async function testLibrary(): Promise<Counts> {
  await using scratch = makeScratch();
  const project = scratch.path;
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
  const tar = await busyboxTar();
  const packed = await runCheck('npm pack and install', {
    command: 'bash',
    args: [
      '-c',
      'npm pack --silent --pack-destination "$1" && cd "$1" && npm install --silent --prefer-offline ./onggi-*.tgz',
      '--',
      project,
    ],
    directory: repository,
    limit: 120,
  });
  if (packed.failed > 0) return packed;
  await lockMachine();
  const before = snapshot();
  cpSync(join(repository, 'examples/library.ts'), join(project, 'library.ts'));
  const results = [packed];
  for (const [name, command] of Object.entries({ Node: process.execPath, Bun: await bunPath() })) {
    const root = join(project, name.toLowerCase());
    results.push(
      await runCheck(`examples/library.ts under ${name}`, {
        command,
        args: ['library.ts', tar, root],
        directory: project,
        limit: 60,
      }),
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

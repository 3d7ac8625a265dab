/** The library as its users get it: packed by npm, installed into an empty project, run under both runtimes. */
import { cpSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { busyboxTar, repository } from '../test/harness/busybox-image.ts';
import { run } from '../test/harness/program.ts';
import { makeScratch } from '../test/harness/scratch.ts';
import { runCheck } from './test-program.ts';
import { type Counts, sum } from './test-summary.ts';

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
  return sum(results);
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

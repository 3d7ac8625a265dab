/**
 * Takes out one defence after the other and expects the tests of its attack to fail:
 *
 *   node scripts/test-weakened.ts [NAME...]     of all when none is named, as root
 *
 * Each is built in a copy of the sources. Not a part of `make test`: it takes minutes.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Weakness, weaknesses } from '../test/security/weakness.ts';

const repository = join(import.meta.dirname, '..');
const copied = [
  'native',
  'src',
  'scripts',
  'test',
  'dist',
  'Makefile',
  'package.json',
  'package-lock.json',
  '.npmrc',
  'tsconfig.json',
  'tsconfig.lib.json',
];
const linked = ['node_modules', 'toolchain', '.cache'];

function weaken({ edits }: Weakness, directory: string): void {
  for (const { file, from, to } of edits) {
    const path = join(directory, file);
    const text = readFileSync(path, 'utf8');
    if (!text.includes(from)) throw new Error(`${file}: there is no longer "${from}"`);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
  }
}

/** Names of the tests that failed and that passed. */
function attackIn(directory: string, { test }: Weakness): { readonly lost: string[]; readonly won: string[] } {
  const reporter = join(directory, 'scripts/test-reporter.ts');
  const files = `test/security/*.test.ts`;
  const args = ['--test', '--test-concurrency=1', `--test-name-pattern=${test}`, `--test-reporter=${reporter}`, files];
  const { stdout } = spawnSync(process.execPath, args, { cwd: directory, encoding: 'utf8', maxBuffer: 1 << 26 });
  const names = (word: string): string[] =>
    stdout
      .split('\n')
      .filter((line) => line.startsWith(word) && line.includes(test))
      .map((line) => line.replace(/^\S+ +\S+ /, '').replace(/ \(\d+ ms\)$/, ''));
  return { lost: names('FAIL '), won: names('ok ') };
}

function prove(weakness: Weakness): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'weak-'));
  try {
    for (const name of copied)
      cpSync(join(repository, name), join(directory, name), {
        recursive: true,
        preserveTimestamps: true,
        verbatimSymlinks: true,
      });
    for (const name of linked) symlinkSync(join(repository, name), join(directory, name));
    weaken(weakness, directory);
    const make = spawnSync('make', ['dist/onggi', 'dist/onggi-shim', 'dist/onggi.node'], {
      cwd: directory,
      encoding: 'utf8',
    });
    if (make.status !== 0) throw new Error(`${weakness.test}: does not build:\n${make.stderr}`);
    const { lost, won } = attackIn(directory, weakness);
    console.log(`${lost.length > 0 ? 'ok  ' : 'FAIL'} ${weakness.test} without ${weakness.without}`);
    for (const name of lost) console.log(`       lost: ${name}`);
    for (const name of won) console.log(`       won:  ${name}`);
    return lost.length > 0;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const wanted = process.argv.slice(2);
const chosen = weaknesses.filter(({ test }) => wanted.length === 0 || wanted.includes(test));
const proven = chosen.map(prove);
process.exitCode = proven.length > 0 && proven.every((one) => one) ? 0 : 1;

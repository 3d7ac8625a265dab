/** `onggi-runtime` beside runc and crun: the same bundle run, and a command more in a container of it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { layOut, repository } from '../test/harness/busybox-image.ts';
import { installed } from './engine.ts';
import { type Command, time } from './hyperfine.ts';
import { median, ours, type Row, type Target } from './table.ts';

const turns = { rounds: 12, runs: 5 };

const runtimes = [
  { name: ours, program: join(repository, 'dist/onggi-runtime') },
  { name: 'runc', program: 'runc' },
  { name: 'crun', program: 'crun' },
];

/** What `spec` writes, the `args` instead of its shell. @returns the directory */
function makeBundle(scratch: string, args: readonly string[]): string {
  const bundle = join(scratch, `bundle-${args[0]}`);
  mkdirSync(bundle);
  layOut(join(bundle, 'rootfs'));
  execFileSync(join(repository, 'dist/onggi-runtime'), ['spec', '--bundle', bundle]);
  const path = join(bundle, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8')) as { process: { terminal: boolean; args: readonly string[] } };
  Object.assign(config.process, { terminal: false, args });
  writeFileSync(path, JSON.stringify(config));
  return bundle;
}

export function bundleRows(scratch: string): Row[] {
  const present = runtimes
    .filter(({ name, program }) => name === ours || installed(program))
    .map(({ name, program }) => ({ name, command: [program, '--root', join(scratch, `state-${name}`)] }));
  const row = (title: string, words: (name: string) => readonly string[], targets: readonly Target[]): Row => {
    console.error(`measuring: ${title}`);
    const commands: Command[] = present.map(({ name, command }) => ({ name, argv: [...command, ...words(name)] }));
    const values = new Map([...time(commands, turns, scratch)].map(([name, times]) => [name, median(times)]));
    return { title, unit: 'ms', values, targets };
  };
  const quick = makeBundle(scratch, ['true']);
  const run = row('OCI runtime: run of a bundle', (name) => ['run', '--bundle', quick, `onggi-bench-${name}`], [
    { column: 'runc', factor: 1 },
    { column: 'crun', factor: 2.5 },
  ]);
  const long = makeBundle(scratch, ['sleep', '3600']);
  const each = (words: (name: string) => readonly string[]): void => {
    // No pipes, which a detached container would hold.
    for (const { name, command } of present) execFileSync('env', [...command, ...words(name)], { stdio: 'ignore' });
  };
  try {
    each((name) => ['run', '--detach', '--bundle', long, `onggi-bench-${name}`]);
    const target = { column: 'crun', factor: 2 };
    return [run, row('OCI runtime: exec', (name) => ['exec', `onggi-bench-${name}`, 'true'], [target])];
  } finally {
    each((name) => ['delete', '--force', `onggi-bench-${name}`]);
  }
}

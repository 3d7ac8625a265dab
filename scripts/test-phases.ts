/** The parts of a test run, in their order. A new kind of test gets a phase here and nothing else. */
import { globSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeScratch } from '../test/harness/scratch.ts';
import { packLibrary } from './pack-library.ts';
import type { Phase } from './phase-run.ts';
import { type Print, type Program, runCheck, runTests } from './test-program.ts';
import { type Counts, none, sum } from './test-summary.ts';

const repository = join(import.meta.dirname, '..');

/** System tests that start no shim, or as an ordinary user the one of dist: with another one they would show nothing. */
const withoutShim: readonly string[] = [
  'publish.test.ts',
  'run-flags-refused.test.ts',
  'terminal-mode.test.ts',
  'rootless.test.ts',
  'rootless-engine.test.ts',
  'rootless-hostile.test.ts',
  'rootless-library.test.ts',
  'rootless-network.test.ts',
];

/** Attacks on what is decided in TypeScript, or many containers that the shim makes all alike. */
const nothingNewToShim: readonly string[] = [
  'chaos.test.ts',
  'capabilities.test.ts',
  'config-fuzz.test.ts',
  'environment.test.ts',
  'events.test.ts',
  'identity.test.ts',
  'image-config.test.ts',
  'kernel-surface.test.ts',
  'state-directory.test.ts',
];

/**
 * The sanitized shim is linked dynamically: an image has not the libraries to execute it inside, as the attacks do. And
 * where a filter denies all, the sanitizers themselves try for ever to end.
 */
const needsPlainShim: readonly string[] = ['runtime-binary.test.ts', 'runtime-denied.test.ts'];

/** Two at a time where there are two processors (run-tests.ts), so the long ones come first. */
export const phases: readonly Phase[] = [
  { name: 'check', title: 'Types, style, direction of imports, hazards', run: check },
  {
    name: 'unit',
    title: 'Unit tests',
    run: (print) =>
      files(print, ['src/**/*.test.ts', 'scripts/*.test.ts', 'bench/*.test.ts'], { concurrency: 2, limit: 600 }),
  },
  {
    name: 'system',
    title: 'Tests on the real kernel',
    run: (print) => apart(print, ['test/harness/*.test.ts', 'test/system/*.test.ts'], 1),
  },
  { name: 'sanitized', title: 'The same with the sanitized shim', run: sanitized },
  {
    name: 'security',
    title: 'Attacks',
    run: (print) => apart(print, ['test/security/*.test.ts'], 1),
  },
  { name: 'vm', title: 'systemd and cgroup v2 in a virtual machine', run: (print) => virtualMachine(print, 'unified') },
  {
    name: 'image',
    title: 'Images and registries',
    run: (print) => apart(print, ['test/image/*.test.ts'], 2),
  },
  {
    name: 'peers',
    title: 'Beside other runtimes and below other engines',
    run: (print) => apart(print, ['test/conformance/*.test.ts', 'test/peers/*.test.ts'], 1),
  },
  {
    name: 'vm-hybrid',
    title: 'systemd with hybrid cgroups in another',
    run: (print) => virtualMachine(print, 'hybrid'),
  },
  { name: 'pure-v1', title: 'cgroup v1 alone', run: pureVersion1 },
  { name: 'library', title: 'The packed library under Bun and Node', run: library },
];

async function check(print: Print): Promise<Counts> {
  const limit = 120;
  const bin = join(repository, 'node_modules/.bin');
  return sum([
    await runCheck('types', { command: join(bin, 'tsc'), args: ['--noEmit'], directory: repository, limit }, print),
    await runCheck(
      'style',
      {
        command: join(bin, 'biome'),
        args: ['check', '--error-on-warnings'],
        directory: repository,
        limit,
      },
      print,
    ),
    await runCheck(
      'imports',
      {
        command: process.execPath,
        args: ['scripts/check-imports.ts'],
        directory: repository,
        limit,
      },
      print,
    ),
    await runCheck(
      'hazards',
      {
        command: process.execPath,
        args: ['scripts/check-hazards.ts'],
        directory: repository,
        limit,
      },
      print,
    ),
  ]);
}

/** In a view of the machine of its own, so that phases that make containers may go on side by side. */
function inOwnView(program: Program): Program {
  const script = join(repository, 'test/harness/own-view.sh');
  const env = { ...program.env, ONGGI_TEST_PATIENCE: '3' };
  return { ...program, env, command: script, args: [program.command, ...program.args] };
}

function apart(print: Print, patterns: readonly string[], concurrency: number): Promise<Counts> {
  return files(print, patterns, { concurrency, limit: 2400, ownView: true });
}

type FilesOptions = Pick<Program, 'env' | 'limit'> & {
  /** Test files at the same time. */
  readonly concurrency: number;
  readonly ownView?: boolean;
};

function nodeTest(paths: readonly string[], concurrency: number): string[] {
  const reporter = join(repository, 'scripts/test-reporter.ts');
  return ['--test', `--test-concurrency=${concurrency}`, `--test-reporter=${reporter}`, ...paths];
}

/** Test files by pattern; a pattern may match nothing, all of them together may not. */
async function files(
  print: Print,
  patterns: readonly string[],
  options: FilesOptions & { readonly except?: readonly string[] },
) {
  const matched = patterns.flatMap((pattern) => globSync(pattern, { cwd: repository }).sort());
  const paths = matched.filter((path) => !(options.except ?? []).some((name) => path.endsWith(`/${name}`)));
  if (paths.length === 0) {
    print(`FAIL no test file matches ${patterns.join(', ')}`);
    return { ...none, failed: 1 };
  }
  const program: Program = {
    command: process.execPath,
    args: nodeTest(paths, options.concurrency),
    directory: repository,
    limit: options.limit,
    ...(options.env !== undefined && { env: options.env }),
  };
  return await runTests(options.ownView === true ? inOwnView(program) : program, print);
}

/**
 * The cgroup tests again where no v2 hierarchy is to be seen: a mount namespace of their own, the machine's mounts stay.
 */
async function pureVersion1(print: Print): Promise<Counts> {
  const unified = '/sys/fs/cgroup/unified';
  if (!readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${unified} `)) {
    print('skip this machine has no hybrid hierarchy');
    return { ...none, skipped: 1 };
  }
  const script = 'umount "$0" && exec "$@"';
  const test = nodeTest(['test/system/cgroup.test.ts'], 1);
  const program: Program = {
    command: 'unshare',
    args: ['--mount', '--propagation', 'private', 'sh', '-c', script, unified, process.execPath, ...test],
    directory: repository,
    limit: 300,
  };
  return await runTests(inOwnView(program), print);
}

/** A report of a sanitizer fails the run, even when every test passed: the shim may have been past its last word. */
async function sanitized(print: Print): Promise<Counts> {
  const directory = join(repository, 'dist/asan');
  // Where test/harness/sanitized.mk told the sanitizers to report.
  const reports = join(directory, 'reports');
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports);
  const counts = await files(print, ['test/system/*.test.ts', 'test/security/*.test.ts'], {
    concurrency: 1,
    ownView: true,
    limit: 2400,
    except: [...withoutShim, ...nothingNewToShim, ...needsPlainShim],
    env: { ONGGI_LIBDIR: directory },
  });
  const names = readdirSync(reports);
  for (const name of names) print(`FAIL sanitizer report:\n${readFileSync(join(reports, name), 'utf8')}`);
  return sum([counts, { ...none, failed: names.length, passed: names.length === 0 ? 1 : 0 }]);
}

async function library(print: Print): Promise<Counts> {
  await using scratch = makeScratch();
  const project = scratch.path;
  const packed = await packLibrary(project, print);
  if (packed.failed > 0) return packed;
  const program: Program = {
    command: process.execPath,
    args: [join(repository, 'scripts/test-library.ts'), project],
    directory: repository,
    limit: 300,
  };
  return sum([packed, await runTests(inOwnView(program), print), await underBun(print)]);
}

/** What is written a second time for Bun, by the tests that Node passed (phase unit). */
async function underBun(print: Print): Promise<Counts> {
  const [bun] = globSync('toolchain/node_modules/@oven/bun-linux-*/bin/bun', { cwd: repository });
  const args = ['test', './src/kernel/shim-client.test.ts'];
  return await runCheck(
    'connections under Bun',
    { command: join(repository, bun ?? 'bun'), args, directory: repository, limit: 60 },
    print,
  );
}

function virtualMachine(print: Print, mode: string): Promise<Counts> {
  return runTests(
    {
      command: process.execPath,
      args: [join(repository, 'test/vm/boot.ts'), mode],
      directory: repository,
      limit: 1000,
    },
    print,
  );
}

/** The parts of a test run, in their order. A new kind of test gets a phase here and nothing else. */
import { globSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { testLibrary } from './test-library.ts';
import { type Program, runCheck, runTests } from './test-program.ts';
import { type Counts, none, sum } from './test-summary.ts';

export type Phase = { readonly name: string; readonly title: string; run(): Promise<Counts> };

const repository = join(import.meta.dirname, '..');

/** System tests that start no shim, or as an ordinary user the one of dist: with another one they would show nothing. */
const withoutShim: readonly string[] = [
  'publish.test.ts',
  'terminal-mode.test.ts',
  'rootless.test.ts',
  'rootless-engine.test.ts',
  'rootless-hostile.test.ts',
  'rootless-network.test.ts',
];

/** Attacks on what is decided in TypeScript, or many containers that the shim makes all alike. */
const nothingNewToShim: readonly string[] = [
  'capabilities.test.ts',
  'config-fuzz.test.ts',
  'environment.test.ts',
  'identity.test.ts',
  'image-config.test.ts',
  'kernel-surface.test.ts',
  'state-directory.test.ts',
];

/** The sanitized shim is linked dynamically: an image has not the libraries to execute it inside, as these attacks do. */
const needsStaticShim: readonly string[] = ['runtime-binary.test.ts'];

export const phases: readonly Phase[] = [
  { name: 'check', title: 'Types, style, direction of imports, hazards', run: check },
  {
    name: 'unit',
    title: 'Unit tests',
    run: () => files(['src/**/*.test.ts', 'scripts/*.test.ts', 'bench/*.test.ts'], { concurrency: 2, limit: 300 }),
  },
  {
    name: 'image',
    title: 'Images and registries',
    run: () => files(['test/image/*.test.ts'], { concurrency: 2, limit: 300 }),
  },
  {
    name: 'system',
    title: 'Tests on the real kernel',
    run: () =>
      files(['test/harness/*.test.ts', 'test/system/*.test.ts'], {
        concurrency: 1,
        limit: 1200,
      }),
  },
  {
    name: 'security',
    title: 'Attacks',
    run: () => files(['test/security/*.test.ts'], { concurrency: 1, limit: 600 }),
  },
  {
    name: 'peers',
    title: 'Beside other runtimes and below other engines',
    run: () => files(['test/conformance/*.test.ts', 'test/peers/*.test.ts'], { concurrency: 1, limit: 300 }),
  },
  { name: 'pure-v1', title: 'cgroup v1 alone', run: pureVersion1 },
  { name: 'sanitized', title: 'The same with the sanitized shim', run: sanitized },
  { name: 'library', title: 'The packed library under Bun and Node', run: testLibrary },
  { name: 'vm', title: 'systemd and cgroup v2 in a virtual machine', run: () => virtualMachine('unified') },
  { name: 'vm-hybrid', title: 'systemd with hybrid cgroups in another', run: () => virtualMachine('hybrid') },
];

async function check(): Promise<Counts> {
  const limit = 120;
  const bin = join(repository, 'node_modules/.bin');
  return sum([
    await runCheck('types', { command: join(bin, 'tsc'), args: ['--noEmit'], directory: repository, limit }),
    await runCheck('style', {
      command: join(bin, 'biome'),
      args: ['check', '--error-on-warnings'],
      directory: repository,
      limit,
    }),
    await runCheck('imports', {
      command: process.execPath,
      args: ['scripts/check-imports.ts'],
      directory: repository,
      limit,
    }),
    await runCheck('hazards', {
      command: process.execPath,
      args: ['scripts/check-hazards.ts'],
      directory: repository,
      limit,
    }),
  ]);
}

type FilesOptions = Pick<Program, 'env' | 'limit'> & {
  /** Test files at the same time. */
  readonly concurrency: number;
};

function nodeTest(paths: readonly string[], concurrency: number): string[] {
  const reporter = join(repository, 'scripts/test-reporter.ts');
  return ['--test', `--test-concurrency=${concurrency}`, `--test-reporter=${reporter}`, ...paths];
}

/** Test files by pattern; a pattern may match nothing, all of them together may not. */
async function files(patterns: readonly string[], options: FilesOptions & { readonly except?: readonly string[] }) {
  const matched = patterns.flatMap((pattern) => globSync(pattern, { cwd: repository }).sort());
  const paths = matched.filter((path) => !(options.except ?? []).some((name) => path.endsWith(`/${name}`)));
  if (paths.length === 0) {
    console.log(`FAIL no test file matches ${patterns.join(', ')}`);
    return { ...none, failed: 1 };
  }
  return await runTests({
    command: process.execPath,
    args: nodeTest(paths, options.concurrency),
    directory: repository,
    limit: options.limit,
    ...(options.env !== undefined && { env: options.env }),
  });
}

/**
 * The cgroup tests again where no v2 hierarchy is to be seen: a mount namespace of their own, the machine's mounts stay.
 */
async function pureVersion1(): Promise<Counts> {
  const unified = '/sys/fs/cgroup/unified';
  if (!readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${unified} `)) {
    console.log('skip this machine has no hybrid hierarchy');
    return { ...none, skipped: 1 };
  }
  const script = 'umount "$0" && exec "$@"';
  const test = nodeTest(['test/system/cgroup.test.ts'], 1);
  return await runTests({
    command: 'unshare',
    args: ['--mount', '--propagation', 'private', 'sh', '-c', script, unified, process.execPath, ...test],
    directory: repository,
    limit: 120,
  });
}

/** A report of a sanitizer fails the run, even when every test passed: the shim may have been past its last word. */
async function sanitized(): Promise<Counts> {
  const directory = join(repository, 'dist/asan');
  // Where test/harness/sanitized.mk told the sanitizers to report.
  const reports = join(directory, 'reports');
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports);
  const counts = await files(['test/system/*.test.ts', 'test/security/*.test.ts'], {
    concurrency: 1,
    limit: 1200,
    except: [...withoutShim, ...nothingNewToShim, ...needsStaticShim],
    env: { ONGGI_LIBDIR: directory },
  });
  const names = readdirSync(reports);
  for (const name of names) console.log(`FAIL sanitizer report:\n${readFileSync(join(reports, name), 'utf8')}`);
  return sum([counts, { ...none, failed: names.length, passed: names.length === 0 ? 1 : 0 }]);
}

function virtualMachine(mode: string): Promise<Counts> {
  return runTests({
    command: process.execPath,
    args: [join(repository, 'test/vm/boot.ts'), mode],
    directory: repository,
    limit: 420,
  });
}

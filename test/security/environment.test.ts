/**
 * Who calls onggi, where, and with which environment must not decide what code it runs: as root it is called in
 * directories of others, by engines that pass on variables they don't know.
 */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repository } from '../harness/busybox-image.ts';
import { eventually, run, start } from '../harness/program.ts';
import { requires } from '../harness/requires.ts';
import { makeScratch } from '../harness/scratch.ts';

const programs = ['onggi', 'onggi-runtime'];
const path = (program: string): string => join(repository, 'dist', program);

/** JavaScript that leaves a mark when somebody runs it. */
function layBait(directory: string): void {
  const bait = "require('node:fs').writeFileSync('MARK', ''); console.log('BAIT');\n";
  writeFileSync(join(directory, 'bait.js'), bait);
  for (const name of ['valibot', 'node-gyp-build', 'onggi', 'bun']) {
    mkdirSync(join(directory, 'node_modules', name), { recursive: true });
    writeFileSync(join(directory, 'node_modules', name, 'index.js'), bait);
  }
}

const settings: Readonly<Record<string, string>> = {
  'bunfig.toml': 'preload = ["./bait.js"]\n[test]\npreload = ["./bait.js"]\n',
  '.env': 'BUN_OPTIONS=--preload=./bait.js\nONGGI_ROOT=relative\nONGGI_LIBDIR=relative\n',
  'package.json': '{"name":"bait","main":"bait.js","imports":{"#*":"./bait.js"},"bun":{"preload":["./bait.js"]}}',
  'tsconfig.json': '{"compilerOptions":{"paths":{"*":["./bait.js"]}}}',
};

const variables: Readonly<Record<string, string>> = {
  BUN_OPTIONS: '--preload=./bait.js',
  BUN_BE_BUN: '1',
  BUN_INSPECT: '1',
  BUN_INSPECT_PRELOAD: './bait.js',
  BUN_CONFIG_PRELOAD: './bait.js',
  NODE_OPTIONS: '--require ./bait.js',
  NODE_PATH: '.',
  NODE_REPL_EXTERNAL_MODULE: './bait.js',
};

const writing = ['BUN_BYTECODE_DIGEST_OUT', 'BUN_BYTECODE_ORDER_OUT', 'BUN_BYTECODE_ORDER_NAMES_OUT'];

/** Switches of JavaScriptCore that have it write, and the options that name the directory. */
const profiles: readonly (readonly [string, string])[] = [
  ['useJITDump', 'jitDumpDirectory'],
  ['useSamplingProfiler', 'samplingProfilerPath'],
  ['dumpIonGraph', 'ionGraphDirectory'],
  ['useTextMarkers', 'textMarkersDirectory'],
];

/** `ps` and `list` go on to the store and the native part; `--version` is the shortest way. */
const calls: Readonly<Record<string, readonly (readonly string[])[]>> = {
  onggi: [['--version'], ['--root', './store', 'ps']],
  'onggi-runtime': [['--version'], ['--root', './state', 'list']],
};

for (const program of programs) {
  test(`${program} takes no code from the directory it is called in`, requires('root'), async () => {
    await using scratch = makeScratch();
    const directory = scratch.path;
    layBait(directory);
    for (const [name, content] of Object.entries(settings)) {
      writeFileSync(join(directory, name), content);
      for (const variant of name === '.env' ? ['.env.local', '.env.production', '.env.development.local'] : []) {
        writeFileSync(join(directory, variant), content);
      }
    }
    await assertDeaf(program, directory, {});
  });

  test(`${program} takes no code from its environment`, requires('root'), async () => {
    await using scratch = makeScratch();
    const directory = scratch.path;
    layBait(directory);
    for (const [name, value] of Object.entries(variables)) await assertDeaf(program, directory, { [name]: value });
    await assertDeaf(program, directory, variables);
  });
}

async function assertDeaf(program: string, directory: string, env: Readonly<Record<string, string>>): Promise<void> {
  for (const args of calls[program] ?? []) {
    const { status, stdout, stderr } = await run(path(program), args, { directory, env });
    const what = `${JSON.stringify(env)} ${args.join(' ')}: ${stdout}${stderr}`;
    assert.equal(status, 0, what);
    assert.doesNotMatch(stdout + stderr, /BAIT|[Ii]nspector|Debugger/, what);
    assert.match(stdout, /^(?:onggi|CONTAINER ID|ID {2})/, what);
    assert.equal(existsSync(join(directory, 'MARK')), false, what);
  }
}

for (const program of programs) {
  test(`${program} has no function replaced by its environment`, requires('root'), async () => {
    await using scratch = makeScratch();
    const bait = join(scratch.path, 'bait');
    writeFileSync(bait, 'override !{x}!\nwith !{console.log("BAIT")}!\n');
    const { status, stdout, stderr } = await run(path(program), ['--version'], {
      env: { BUN_JSC_functionOverrides: bait },
    });
    assert.notEqual(status, 0);
    assert.match(stdout + stderr, /invalid JSC environment variable/);
  });

  test(`${program} writes no file that its environment names`, requires('root'), async () => {
    await using scratch = makeScratch();
    const directory = scratch.path;
    for (const name of writing) {
      await run(path(program), ['--version'], { directory, env: { [name]: join(directory, 'MARK') } });
      assert.deepEqual(readdirSync(directory), [], name);
    }
    for (const [switched, named] of profiles) {
      const env = { [`BUN_JSC_${switched}`]: '1', [`BUN_JSC_${named}`]: directory, TMPDIR: directory };
      const { status, stdout, stderr } = await run(path(program), ['--version'], { directory, env });
      assert.notEqual(status, 0, switched);
      assert.match(stdout + stderr, /invalid JSC environment variable/, switched);
      assert.deepEqual(readdirSync(directory), [], switched);
    }
  });
}

test('no option of JavaScriptCore with text for a value has a name', async () => {
  const { stdout, stderr } = await run(path('onggi'), ['--version'], { env: { BUN_JSC_dumpOptions: '2' } });
  const texts = [...(stdout + stderr).matchAll(/^ +(?<name>\S+)=".*"/gm)].map(({ groups }) => groups?.['name'] ?? '');
  assert.ok(texts.length > 10, stdout + stderr);
  assert.deepEqual(
    texts.filter((name) => !/^=+$/.test(name)),
    [],
  );
});

/** Of memory that can be both written and executed. */
function writableCode(pid: number): string[] {
  return readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .filter((line) => / .wx/.test(line));
}

test('only what goes through much data has memory that can be written and executed', requires('root'), async () => {
  await using scratch = makeScratch();
  const words = (...args: string[]) => ['--root', join(scratch.path, 's'), ...args];
  // Both wait for something, with all loaded that they need.
  const plain = start(path('onggi'), words('events'));
  const compiled = start(path('onggi'), words('import', '-'));
  try {
    for (const { pid } of [plain, compiled]) {
      await eventually('it has the native part', () =>
        readFileSync(`/proc/${pid}/maps`, 'utf8').includes('onggi.node'),
      );
    }
    await eventually('the import compiles', () => writableCode(compiled.pid).length > 0);
    assert.deepEqual(writableCode(plain.pid), []);
    // The caller has the last word.
    const { status, stdout } = await run(path('onggi'), words('import', '-'), {
      input: '',
      env: { JavaScriptCoreUseJIT: '0' },
    });
    assert.deepEqual([status, stdout], [1, '']);
  } finally {
    for (const { child, outcome } of [plain, compiled]) {
      child.kill('SIGKILL');
      await outcome;
    }
  }
});

test('a crash starts no program to tell of it', requires('root'), async () => {
  await using scratch = makeScratch();
  const mark = join(scratch.path, 'MARK');
  writeFileSync(join(scratch.path, 'curl'), `#!/bin/sh\n: >${mark}\n`, { mode: 0o755 });
  const crash = { BUN_GARBAGE_COLLECTOR_LEVEL: '1', BUN_FEATURE_FLAG_SYNTHETIC_MEMORY_LIMIT: 'x' };
  for (const report of [{ BUN_CRASH_REPORT_URL: 'http://127.0.0.1:9' }, { BUN_ENABLE_CRASH_REPORTING: '1' }]) {
    const env = { ...crash, ...report, PATH: `${scratch.path}:${process.env['PATH']}` };
    const { stderr } = await run(path('onggi'), ['--version'], { env });
    assert.match(stderr, /Bun v[\d.]+/, 'it crashes');
    assert.equal(existsSync(mark), false);
  }
});

test('native code comes from no directory that others can write to', requires('root'), async () => {
  await using scratch = makeScratch();
  const directory = scratch.path;
  const library = join(directory, 'lib');
  mkdirSync(library);
  for (const name of ['onggi.node', 'onggi-shim']) cpSync(path(name), join(library, name));
  const call = () =>
    run(path('onggi'), ['--root', join(directory, 's'), 'images'], {
      env: { ONGGI_LIBDIR: library },
    });
  const spoils: readonly (() => void)[] = [
    () => chmodSync(library, 0o1777),
    () => chmodSync(library, 0o775),
    () => {
      chmodSync(library, 0o755);
      chownSync(library, 1000, 0);
    },
  ];
  assert.equal((await call()).status, 0);
  for (const spoil of spoils) {
    spoil();
    const { status, stderr } = await call();
    assert.notEqual(status, 0);
    assert.match(stderr, /ONGGI_LIBDIR: ".*others could put programs there/);
  }
});

/**
 * What a plain `run` and `exec` load. Each module costs them some 10 µs and node:crypto two milliseconds, which nobody
 * notices in the change that adds it: what few containers need is loaded for those alone.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { staticClosure } from '../../scripts/bundle-groups.ts';
import { hotCommands } from '../../scripts/hot-commands.ts';
import { run } from '../harness/program.ts';
import { systemTest, type World } from '../harness/system-test.ts';
import { detached } from './container-view.ts';

const source = join(import.meta.dirname, '../../src');

/** Files of src/ and modules of Node, for a command that must succeed. */
async function loaded(world: World, args: readonly string[]): Promise<Set<string>> {
  const list = join(world.scratch, `loaded-${args[0]}`);
  const hook = join(import.meta.dirname, '../harness/loaded-modules.ts');
  const program = ['--import', hook, join(source, 'cli/main.ts'), '--root', world.root, ...args];
  const outcome = await run(process.execPath, program, { env: { LOADED_MODULES: list } });
  assert.deepEqual([outcome.status, outcome.stderr], [0, ''], args.join(' '));
  const urls = readFileSync(list, 'utf8').trim().split('\n');
  return new Set(urls.map((url) => url.replace(`file://${source}/`, '')));
}

const rare: readonly RegExp[] = [
  // Two milliseconds (random.ts, oci/digest.ts), and what it and others load.
  /^node:(crypto|child_process|http|https|stream|tls|util|zlib)$/,
  /^(api|registry|signature|transport)\//,
  // Making images, removing them, other storage drivers, limits of disk space.
  /^image\/(change|import|layer|pax|remove|sparse|tar|unpack|decompress|inflation|manifest)/,
  /^image\/(snapshot-tree|snapshot-quota|tree-copy)\.ts$/,
  /^engine\/(cdi|content|copy|notify|oci-runtime|registry\/(?!registries)|secret\/(?!secrets)|signature)/,
  /^engine\/health\/(check|prepare)\.ts$/,
  /^runtime\/seccomp\/(abi|bpf|compile|condition|multiplexer|syscalls-)/,
  /^runtime\/plan\/(explain|foreign|exec-filter)/,
  /^network\/pasta\.ts$/,
  /\/explain\.ts$/,
];

/** What the executable holds together for a command is what the command loads. */
function asBundled(name: string, modules: ReadonlySet<string>): void {
  const paths = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
  const files = new Map(paths.map((path) => [path, readFileSync(join(source, path), 'utf8')]));
  const closure = staticClosure(files, ['cli/main.ts', ...(hotCommands[name] ?? [])]);
  const own = [...modules].filter((module) => files.has(module));
  assert.deepEqual(own.toSorted(), [...closure].toSorted(), `scripts/hot-commands.ts: ${name}`);
}

function withoutRare(modules: ReadonlySet<string>): void {
  assert.ok(modules.has('cli/main.ts') && modules.has('errors.ts'), [...modules].join(', '));
  assert.deepEqual(
    [...modules].filter((module) => rare.some((pattern) => pattern.test(module))),
    [],
  );
}

systemTest(
  'run, exec and ps load what they are bundled with, and nothing that only few containers need',
  ['busybox'],
  async (world) => {
    const plain = await loaded(world, ['run', '--rm', '--network', 'none', world.image, 'true']);
    assert.ok(plain.has('engine/container/create.ts') && plain.has('runtime/plan/compile.ts'));
    withoutRare(plain);
    asBundled('run', plain);
    const id = await detached(world, [], ['sleep', '1000']);
    // The first one keeps for the next what it has found out.
    await world.ok(['exec', id, 'true']);
    const exec = await loaded(world, ['exec', id, 'true']);
    assert.ok(exec.has('engine/container/exec.ts'), [...exec].join(', '));
    withoutRare(exec);
    asBundled('exec', exec);
    asBundled('ps', await loaded(world, ['ps']));
    // The other way round: a rare thing is seen when it is asked for.
    const explained = await loaded(world, ['run', '--explain', world.image, 'true']);
    assert.ok(explained.has('runtime/plan/explain.ts'));
  },
);

/**
 * The entry of the `onggi` executable. What most commands don't need is loaded where it is needed: a bare start is
 * 3 ms, and the version must cost no more. No top-level await: the bytecode build refuses it.
 */
import { version } from '../version.ts';

function main(argv: readonly string[]): void {
  const skopeo = argumentsAs('skopeo', argv);
  if (skopeo !== undefined) {
    void runAsSkopeo(skopeo);
    return;
  }
  const runtime = argumentsAs('runtime', argv);
  if (runtime !== undefined) {
    void runAsRuntime(runtime);
    return;
  }
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-v')) {
    // The one place for console.log: node:fs alone would cost half of what this takes.
    console.log(`onggi version ${version}`);
    return;
  }
  void run(argv);
}

/** What is asked of one of the other programs in this executable: by its own name, or as `onggi NAME`. */
function argumentsAs(name: 'runtime' | 'skopeo', argv: readonly string[]): readonly string[] | undefined {
  const called = process.argv0.slice(process.argv0.lastIndexOf('/') + 1);
  if (called === name || called === `onggi-${name}`) return argv;
  return argv[0] === name ? argv.slice(1) : undefined;
}

async function runAsRuntime(argv: readonly string[]): Promise<never> {
  const [{ runRuntime }, { runtimeWorld }] = await Promise.all([
    import('./runtime/program.ts'),
    import('./runtime/world.ts'),
  ]);
  const world = runtimeWorld();
  return world.end(await runRuntime(argv, world));
}

async function runAsSkopeo(argv: readonly string[]): Promise<never> {
  const [{ runSkopeo }, { skopeoWorld }] = await Promise.all([
    import('./skopeo/program.ts'),
    import('./skopeo/world.ts'),
  ]);
  const world = skopeoWorld();
  return await world.end(await runSkopeo(argv, world));
}

/** Never just returns: a reader of standard input that is still open would keep the process alive. */
async function run(argv: readonly string[]): Promise<never> {
  const [{ runProgram }, { processContext }] = await Promise.all([
    import('./program.ts'),
    import('./process-context.ts'),
  ]);
  const world = processContext();
  return await world.end(await runProgram(argv, world));
}

main(process.argv.slice(2));

/** Debian's dockerd, apart from the machine, with onggi-runtime as a further runtime and a busybox image. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { busyboxTar } from '../harness/busybox-image.ts';
import { eventually, type Outcome, type ProgramOptions, type Running, run } from '../harness/program.ts';
import { makeScratch } from '../harness/scratch.ts';
import { openTerminal, type Terminal } from '../harness/terminal.ts';
import { openApart } from './apart.ts';
import { assertBuilt, runtimePath } from './runtime-path.ts';

const parent = 'onggi-docker';

export type Docker = AsyncDisposable & {
  docker(args: readonly string[], options?: ProgramOptions): Promise<Outcome>;
  /** Must end with 0; returns stdout without the last newline. */
  ok(args: readonly string[], options?: ProgramOptions): Promise<string>;
  /** Starts another program where the daemon is: its network is not the machine's. */
  startBeside(command: readonly string[]): Running;
  /** The client on a pseudoterminal. */
  terminal(args: readonly string[]): Terminal;
};

/** Words before the name of the image: the runtime, and below which cgroup. */
export const withOnggi = ['--runtime', 'onggi', '--cgroup-parent', `/${parent}`] as const;

export async function startDocker(): Promise<Docker> {
  assertBuilt();
  const tar = await busyboxTar();
  await using undo = new AsyncDisposableStack();
  const scratch = undo.use(makeScratch());
  const apart = undo.use(await openApart(parent));
  const at = (name: string) => join(scratch.path, name);
  for (const name of ['data', 'exec', 'client']) mkdirSync(at(name));
  const daemon = apart.start(
    [
      'dockerd',
      ...['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid')],
      ...['-H', `unix://${at('s')}`, '--add-runtime', `onggi=${runtimePath}`, '--storage-driver', 'overlay2'],
    ],
    { timeout: 300_000 },
  );
  undo.defer(async () => {
    // nsenter waits for the daemon in the pid namespace; it would not pass on a signal.
    await apart.run(['sh', '-c', `kill -TERM "$(cat ${at('pid')})"`]);
    await daemon.outcome;
  });
  const options = { env: { DOCKER_HOST: `unix://${at('s')}`, DOCKER_CONFIG: at('client') } };
  const docker: Docker['docker'] = (args, more) => run('docker', args, { ...options, ...more });
  await eventually(
    'dockerd answers',
    async () => {
      assert.equal(daemon.child.exitCode, null, daemon.output().stderr);
      return (await docker(['version'])).status === 0;
    },
    30_000,
  );
  await docker(['import', tar, 'busybox']);
  const owned = undo.move();
  return {
    docker,
    ok: async (args, more) => {
      const outcome = await docker(args, more);
      assert.equal(outcome.status, 0, `docker ${args.join(' ')}: ${outcome.stderr}${outcome.stdout}`);
      return outcome.stdout.replace(/\n$/, '');
    },
    startBeside: (command) => apart.start(command, { timeout: 300_000 }),
    terminal: (args) => openTerminal('env', [...words(options.env), 'docker', ...args]),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function words(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value}`);
}

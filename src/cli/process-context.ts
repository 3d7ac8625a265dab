/** The world of a command that runs as a process of its own. Acts. */
import { resolve } from 'node:path';
import type { Engine } from '../engine/index.ts';
import type { Context } from './context.ts';
import { renderFailure } from './failure.ts';
import { standardInput } from './input.ts';
import { outputOf } from './output.ts';
import type { GlobalFlags, ProgramContext } from './program.ts';
import { processSignals } from './signals.ts';

type ProcessContext = ProgramContext & {
  /** Ends this process. */
  end(status: number): Promise<never>;
};

export function processContext(): ProcessContext {
  const stdout = outputOf(1);
  const stderr = outputOf(2);
  let engineOpen = false;
  return {
    stdout,
    stderr,
    open: (flags) => openContext(flags, { stdout, stderr }, () => (engineOpen = true)),
    async end(status) {
      if (!engineOpen) process.exit(status);
      const { endProcess } = await import('../engine/process-end.ts');
      return endProcess(status);
    },
  };
}

/** What runs this program once more: the compiled executable, or a runtime with the main module. */
function ownCommand(): string[] {
  const main = process.argv[1] ?? '';
  return main === '' || main.startsWith('/$bunfs/') ? [process.execPath] : [process.execPath, main];
}

function openContext(
  flags: GlobalFlags,
  outputs: Pick<Context, 'stdout' | 'stderr'>,
  opened: () => void,
): Context & AsyncDisposable {
  const root = flags.root ?? process.env['ONGGI_ROOT'];
  let engine: Promise<Engine> | undefined;
  const openEngine = async () => {
    const { Engine } = await import('../engine/index.ts');
    opened();
    return Engine.open({
      ...(root !== undefined && { root: resolve(root) }),
      command: [...ownCommand(), ...(root === undefined ? [] : ['--root', resolve(root)])],
      onWarning: ({ message }) => outputs.stderr.print(`WARNING: ${message}\n`),
    });
  };
  return {
    ...outputs,
    stdin: standardInput(),
    signals: processSignals(),
    env: process.env,
    // Read when needed: `ps` must work in a directory that is gone.
    get directory() {
      return process.cwd();
    },
    now: Date.now,
    report: (error) => outputs.stderr.print(renderFailure(error, flags.debug)),
    engine: () => {
      engine ??= openEngine();
      return engine;
    },
    // The store stays open until the process ends, which is now, and which spares it the closing (endProcess).
    [Symbol.asyncDispose]: async () => {},
  };
}

/** The world of a command that runs as a process of its own. Acts. */
import { resolve } from 'node:path';
import type { Engine } from '../engine/index.ts';
import type { Context } from './context.ts';
import { renderFailure } from './failure.ts';
import { visible } from './format/visible.ts';
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
    command: [...ownCommand(), ...process.argv.slice(2)],
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
  return isExecutable() ? [process.execPath] : [process.execPath, process.argv[1] ?? ''];
}

/** Whether this is the one file that Bun made of us. */
function isExecutable(): boolean {
  const main = process.argv[1] ?? '';
  return main === '' || main.startsWith('/$bunfs/');
}

/** JavaScriptCore's own; in our executable its absence means no. */
const compilerSwitch = 'JavaScriptCoreUseJIT';

function isCompiled(): boolean {
  return !isExecutable() || process.env[compilerSwitch] !== undefined;
}

function openContext(
  flags: GlobalFlags,
  outputs: Pick<Context, 'stdout' | 'stderr'>,
  opened: () => void,
): Context & AsyncDisposable {
  const asked = flags.root ?? process.env['ONGGI_ROOT'];
  const root = asked === undefined ? undefined : resolve(asked);
  const storageDriver = flags['storage-driver'] ?? process.env['ONGGI_STORAGE_DRIVER'];
  const own = [...ownCommand(), ...(root === undefined ? [] : ['--root', root])];
  let engine: Promise<Engine> | undefined;
  const openEngine = async () => {
    const { Engine } = await import('../engine/index.ts');
    opened();
    const opening = Engine.open({
      ...(root !== undefined && { root }),
      ...(storageDriver !== undefined && { storageDriver }),
      command: own,
      onWarning: ({ message }) => outputs.stderr.print(visible(`WARNING: ${message}\n`)),
    });
    // Refused at once where the store has another one, whatever the command.
    if (storageDriver !== undefined && storageDriver !== '') await opening.storageDriver();
    return opening;
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
    ordinaryUser: process.geteuid?.() !== 0,
    async enterUserNamespace(command) {
      const { enterUserNamespace } = await import('../engine/user-namespace.ts');
      enterUserNamespace(command, process.env, root);
    },
    compiled: isCompiled(),
    async enterCompiled() {
      if (isCompiled()) return;
      const { execute } = await import('../engine/process-end.ts');
      execute([...ownCommand(), ...process.argv.slice(2)], { ...process.env, [compilerSwitch]: '1' });
    },
    runAgain: (args, silent = false) => runToEnd([...own, ...args], silent),
    report: (error) => outputs.stderr.print(renderFailure(error, flags.debug)),
    engine: () => {
      engine ??= openEngine();
      return engine;
    },
    // The store stays open until the process ends, which is now, and which spares it the closing (endProcess).
    [Symbol.asyncDispose]: async () => {},
  };
}

/** Signals of the terminal reach it too; a SIGTERM of this process is handed on. */
async function runToEnd([program = '', ...args]: readonly string[], silent: boolean): Promise<number> {
  const { spawn } = await import('node:child_process');
  using signals = new DisposableStack();
  return await new Promise((done, failed) => {
    const child = spawn(program, args, { stdio: silent ? 'ignore' : ['ignore', 2, 2] });
    signals.use(processSignals().on(['SIGINT', 'SIGTERM'], (number) => void child.kill(number)));
    child.once('error', failed);
    child.once('exit', (status, signal) => done(status ?? (signal === 'SIGINT' ? 130 : 143)));
  });
}

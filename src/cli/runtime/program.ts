/** From the words of a command line of `onggi-runtime` to the exit status. */

import { defaultRoot } from '../../bundle/paths.ts';
import type { Runtime } from '../../bundle/runtime.ts';
import { OnggiError } from '../../errors.ts';
import { absolutePath } from '../../oci/slash-path.ts';
import { asIs, single, toggle, type Values } from '../definition.ts';
import { traceOf } from '../failure.ts';
import { visible } from '../format/visible.ts';
import { oneOf, parseBoolean } from '../value/number.ts';
import type { RuntimeCommand } from './definition.ts';
import { type Level, type LogFormat, logLine } from './log.ts';
import { parseFlags } from './parse.ts';
import { type RuntimeEntry, runtimeCommands } from './table.ts';
import { runtimeVersions } from './version.ts';

export const runtimeFlags = {
  criu: single('file', asIs, 'path to the criu binary used for checkpoint and restore', { shown: '"criu"' }),
  debug: toggle('enable debug logging'),
  log: single('file', asIs, 'set the log file to write messages to, besides standard error'),
  'log-format': single('format', oneOf('log-format', ['text', 'json']), "set the log format ('text' or 'json')", {
    shown: '"text"',
  }),
  root: single('directory', asIs, 'root directory for storage of container state (should be on tmpfs)', {
    shown: '"/run/onggi-runtime", without privileges "$XDG_RUNTIME_DIR/onggi-runtime"',
  }),
  rootless: single('value', rootless, "ignore cgroup permission errors ('true', 'false' or 'auto')", {
    shown: '"auto"',
  }),
  'systemd-cgroup': toggle('use systemd for cgroups, expects cgroupsPath to be of the form "slice:prefix:name"'),
  version: toggle('print the version', { short: 'v' }),
} as const;

function rootless(text: string): boolean | 'auto' {
  return text === 'auto' ? text : parseBoolean(text);
}

type GlobalFlags = Values<typeof runtimeFlags>;

/** What the program touches of its process. */
export type RuntimeWorld = {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** To the end of a file, which is made (0644) when it is missing. */
  readonly append: (path: string, text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether this is root of the machine; asked only where nobody names a root. */
  readonly privileged: () => boolean;
  readonly now: () => Date;
};

/** Runs one command line to its end. Never rejects: what fails is shown on standard error and in the log, once. */
export async function runRuntime(argv: readonly string[], world: RuntimeWorld): Promise<number> {
  const outcome = parseFlags({ flags: runtimeFlags, interspersed: false }, argv);
  if (outcome.type === 'problem') return await misuse(world, {}, outcome.message, '');
  if (outcome.type === 'help') return await showProgramHelp(world);
  const { flags, args } = outcome;
  if (flags.version) {
    world.stdout(`${runtimeVersions}\n`);
    return 0;
  }
  const [name, ...rest] = args;
  if (name === undefined) return await showProgramHelp(world);
  if (name === 'help' || name === 'h') return await showHelp(world, flags, rest[0]);
  const entry = runtimeCommands.find((each) => each.name === name);
  if (entry === undefined) return await noSuchCommand(world, flags, name);
  if (flags.log && !canAppend(world, flags.log)) return 1;
  return await runCommand(entry, rest, flags, world);
}

/** Ends with 3, as runc. */
async function noSuchCommand(world: RuntimeWorld, globals: GlobalFlags, name: string): Promise<number> {
  await misuse(world, globals, `No help topic for '${name}': no such command`, '');
  return 3;
}

/** A log that can't be written is told before anything is done: who reads it would not learn why that fails. */
function canAppend(world: RuntimeWorld, log: string): boolean {
  try {
    world.append(log, '');
    return true;
  } catch (error) {
    world.stderr(`onggi-runtime: --log: ${error instanceof Error ? error.message : String(error)}\n`);
    return false;
  }
}

async function runCommand(
  entry: RuntimeEntry,
  argv: readonly string[],
  globals: GlobalFlags,
  world: RuntimeWorld,
): Promise<number> {
  let command: RuntimeCommand | undefined;
  try {
    ({ command } = await entry.load());
    const outcome = parseFlags(command, argv);
    if (outcome.type === 'help') return await showHelp(world, globals, entry.name);
    if (outcome.type === 'problem') return await misuse(world, globals, outcome.message, entry.name);
    const wrong = countProblem(entry.name, command, outcome.args.length);
    if (wrong !== undefined) return await misuse(world, globals, wrong, entry.name);
    const { flags, given, args } = outcome;
    const context = { runtime: runtimeOf(globals, world), print: world.stdout, env: world.env };
    return await command.run({ flags, given, args, context });
  } catch (error) {
    const message = messageOf(error, command);
    tell(world, globals, 'error', message, renderFailure(error, message, globals.debug));
    return command?.failure ?? 1;
  }
}

function messageOf(error: unknown, command: RuntimeCommand | undefined): string {
  const found =
    error instanceof OnggiError ? withItsField(error) : error instanceof Error ? error.message : String(error);
  return command?.failing === undefined ? found : `${command.failing}: ${found}`;
}

/** "linux.seccomp: no such action" of "seccomp: no such action". */
function withItsField({ field, message }: OnggiError): string {
  if (field === undefined || message.startsWith(field)) return message;
  const parent = field.lastIndexOf('.') + 1;
  const name = field.slice(parent);
  const repeats = message.startsWith(`${name}:`) || message.startsWith(`${name}.`);
  return repeats ? `${field.slice(0, parent)}${message}` : `${field}: ${message}`;
}

/** As in the log, and then what to do about it; with `debug` also where it came from. */
function renderFailure(error: unknown, message: string, debug: boolean): string {
  const hint = error instanceof OnggiError ? error.hint : "This is a defect of onggi; '--debug' shows more.";
  const lines = [`onggi-runtime: ${message}`, ...(hint === undefined ? [] : [hint]), ...(debug ? traceOf(error) : [])];
  return visible(`${lines.join('\n')}\n`);
}

function countProblem(name: string, { positionals: { min, max } }: RuntimeCommand, count: number): string | undefined {
  if (count >= min && (max === null || count <= max)) return undefined;
  const wanted = max === min ? `exactly ${min}` : count < min ? `a minimum of ${min}` : `a maximum of ${max}`;
  return `onggi-runtime: "${name}" requires ${wanted} argument(s)`;
}

function runtimeOf(globals: GlobalFlags, world: RuntimeWorld): Runtime {
  return {
    root:
      globals.root === undefined || globals.root === ''
        ? defaultRoot(world.privileged(), world.env)
        : absolutePath(globals.root, process.cwd),
    systemdCgroup: globals['systemd-cgroup'],
    ...(globals.criu && { criu: globals.criu }),
    warn: (message) => tell(world, globals, 'warning', message, visible(`onggi-runtime: warning: ${message}\n`)),
    debug: (text) => {
      if (globals.debug) tell(world, globals, 'debug', text(), undefined);
    },
  };
}

/**
 * The log, if there is one, gets every message, because engines look there for the reason of a failure; standard error
 * gets what people should see, in the log's format when that alone was asked for.
 *
 * @param shown for people; undefined where a message is for the log first
 */
function tell(
  world: RuntimeWorld,
  { log, 'log-format': format }: Partial<GlobalFlags>,
  level: Level,
  message: string,
  shown: string | undefined,
): void {
  const line = logLine((format ?? 'text') as LogFormat, level, message, world.now());
  if (log === undefined || log === '') {
    world.stderr(format === 'json' || shown === undefined ? line : shown);
    return;
  }
  if (level === 'error' && shown !== undefined) world.stderr(shown);
  try {
    world.append(log, line);
  } catch (error) {
    world.stderr(`onggi-runtime: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}

/** A wrong command line: what is wrong with it, and where to read what is right. */
async function misuse(
  world: RuntimeWorld,
  globals: Partial<GlobalFlags>,
  message: string,
  name: string,
): Promise<number> {
  const see = ['onggi-runtime', name, '--help'].filter((word) => word !== '').join(' ');
  tell(world, globals, 'error', message, `onggi-runtime: Incorrect Usage: ${message}\nSee '${see}'.\n`);
  return 1;
}

async function showProgramHelp(world: RuntimeWorld): Promise<number> {
  const { programHelp } = await import('./help.ts');
  const rows = runtimeCommands.map(({ name, summary }) => [name, summary] as const);
  world.stdout(programHelp(runtimeVersions, rows, runtimeFlags));
  return 0;
}

async function showHelp(world: RuntimeWorld, globals: GlobalFlags, name: string | undefined): Promise<number> {
  if (name === undefined) return await showProgramHelp(world);
  const entry = runtimeCommands.find((each) => each.name === name);
  if (entry === undefined) return await noSuchCommand(world, globals, name);
  const [{ commandHelp }, { command }] = await Promise.all([import('./help.ts'), entry.load()]);
  world.stdout(commandHelp(name, entry.summary, command));
  return 0;
}

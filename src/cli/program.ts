/** From the words of the command line to the exit status. */

import { OnggiError } from '../errors.ts';
import { version } from '../version.ts';
import type { Context } from './context.ts';
import { asIs, type Command, type Refused, single, toggle, type Values } from './definition.ts';
import { engineFailure, exitStatus, renderFailure } from './failure.ts';
import type { Problem } from './parse.ts';
import { parseArguments } from './parse.ts';
import { commands, type Entry, type Found, findCommand, managers } from './table.ts';

export const globalFlags = {
  debug: toggle('Show where errors come from', { short: 'D' }),
  root: single('directory', asIs, 'Store to work on', { shown: '/var/lib/onggi' }),
  'storage-driver': single('string', asIs, 'Storage driver that a new store begins with (overlay2, btrfs, vfs)'),
  version: toggle('Print the version', { short: 'v' }),
} as const;

/** Those of Docker's client that say how to reach a daemon: here is none. */
const refusedGlobalFlags: Refused = {
  values: ['config', 'context', 'host', 'log-level', 'tlscacert', 'tlscert', 'tlskey'],
  switches: ['tls', 'tlsverify'],
  shorts: { c: 'context', H: 'host', l: 'log-level' },
};

export type GlobalFlags = Values<typeof globalFlags>;

/** @param makeContext called once it is clear that a command runs */
export type ProgramContext = Pick<Context, 'stdout' | 'stderr'> & {
  readonly open: (flags: GlobalFlags) => Context & AsyncDisposable;
  /** What runs this very command line once more. */
  readonly command: readonly string[];
};

/** Runs one command line to its end. Never rejects: what fails is shown on standard error, once. */
export async function runProgram(argv: readonly string[], world: ProgramContext): Promise<number> {
  const outcome = parseArguments({ flags: globalFlags, refused: refusedGlobalFlags, interspersed: false }, argv);
  if (outcome.type === 'problem')
    return await reportProblem(world, outcome, '', { usage: '[OPTIONS] COMMAND [ARG...]' });
  if (outcome.type === 'help') return await printRootHelp(world);
  if (outcome.flags.version) {
    world.stdout.print(`onggi version ${version}\n`);
    return 0;
  }
  const [first, ...rest] = outcome.args;
  if (first === undefined) return await printRootHelp(world);
  if (first === 'help') return await printHelpOf(world, rest);
  const found = findCommand(outcome.args);
  if (found.type !== 'command') return await reportFound(world, found);
  return await runCommand(found, outcome.flags, world);
}

async function runCommand(
  { entry, name, rest }: Extract<Found, { type: 'command' }>,
  flags: GlobalFlags,
  world: ProgramContext,
): Promise<number> {
  let command: Command | undefined;
  try {
    ({ command } = await entry.load());
    const outcome = parseArguments(command, rest);
    if (outcome.type === 'help') return await printCommandHelp(world, name);
    if (outcome.type === 'problem') return await reportProblem(world, outcome, name, command);
    const latest = command.latest !== undefined && outcome.flags['latest'] === true;
    const all = command.everything !== undefined && outcome.flags['all'] === true;
    const problem = checkPositionals(name, command, outcome.args.length, { latest, all });
    if (problem !== undefined) return await reportProblem(world, problem, name, command, command.usageFailure ?? 1);
    await using context = world.open(flags);
    if (holds(entry.compiled, rest)) await context.enterCompiled();
    if (context.ordinaryUser && holds(entry.mapped, rest)) await context.enterUserNamespace(world.command);
    const chosen = latest ? [await latestContainer(context)] : all ? await containersIn(command, context) : [];
    const args = [...chosen, ...outcome.args];
    return await command.run({ flags: outcome.flags, args, context });
  } catch (error) {
    world.stderr.print(renderFailure(error, flags.debug));
    return exitStatus(error, command ?? {});
  }
}

function holds(asked: Entry['mapped'], words: readonly string[]): boolean {
  return typeof asked === 'function' ? asked(words) : asked === true;
}

/** Docker's words for too few or too many arguments. */
function checkPositionals(name: string, command: Command, given: number, { latest, all }: Chosen): Problem | undefined {
  const { min, max } = command.positionals;
  const only = latest && command.latest === 'all' ? '--latest' : all ? '--all' : undefined;
  if (only !== undefined && given > 0) {
    return { type: 'problem', code: 'invalid', message: `${only} and containers cannot be used together` };
  }
  if (all && latest) return { type: 'problem', code: 'invalid', message: '--all and --latest cannot be used together' };
  if (all) return undefined;
  const count = given + (latest ? 1 : 0);
  if (count >= min && (max === null || count <= max)) return undefined;
  const wanted = max === 0 ? 'accepts no arguments' : `requires ${range(min, max)}`;
  return { type: 'problem', code: 'invalid', message: `'onggi ${name}' ${wanted}` };
}

/** What stands for the containers that are not named. */
type Chosen = { readonly latest: boolean; readonly all: boolean };

async function containersIn({ everything = [] }: Command, context: Context): Promise<string[]> {
  const engine = await context.engine();
  const containers = await engine.containers.list({ all: true });
  return containers.filter(({ status }) => everything.includes(status)).map(({ id }) => id);
}

async function latestContainer(context: Context): Promise<string> {
  const engine = await context.engine();
  const [newest] = await engine.containers.list({ all: true });
  if (newest === undefined) throw new OnggiError('not-found', '--latest: there is no container');
  return newest.id;
}

function range(min: number, max: number | null): string {
  const plural = (count: number) => `${count} argument${count === 1 ? '' : 's'}`;
  if (min === max) return plural(min);
  if (max === null) return `at least ${plural(min)}`;
  return min === 0 ? `at most ${plural(max)}` : `at least ${min} and at most ${plural(max)}`;
}

async function reportProblem(
  world: ProgramContext,
  problem: Problem,
  name: string,
  command: Pick<Command, 'usage'>,
  status = engineFailure,
): Promise<number> {
  const { seeHelp, usageLine } = await import('./help.ts');
  const usage = problem.code === 'unsupported' ? '' : `\n${usageLine(name, command)}\n`;
  world.stderr.print(`onggi: ${problem.message}\n${usage}\n${seeHelp(name)}\n`);
  return status;
}

async function reportFound(world: ProgramContext, found: Exclude<Found, { type: 'command' }>): Promise<number> {
  if (found.type === 'manager') return await printManager(world, found.name, found.rest);
  const { seeHelp } = await import('./help.ts');
  const manager = found.name.split(' ')[0] ?? '';
  const see = seeHelp(Object.hasOwn(managers, manager) ? manager : '');
  const what =
    found.type === 'missing' ? `command '${found.name}' is not supported` : `unknown command: onggi ${found.name}`;
  world.stderr.print(`onggi: ${what}\n\n${see}\n`);
  return 1;
}

/** `onggi container`, `onggi container --help`; any other flag has no meaning there. */
async function printManager(world: ProgramContext, name: string, rest: readonly string[]): Promise<number> {
  const outcome = parseArguments({ flags: {} }, rest);
  if (outcome.type === 'problem') return await reportProblem(world, outcome, name, { usage: 'COMMAND' });
  const { groupLines, seeHelp, usageLine } = await import('./help.ts');
  const rows = commands.flatMap(({ names, summary }) => {
    const own = names.find((each) => each.startsWith(`${name} `));
    return own === undefined ? [] : [[own.slice(name.length + 1), summary] as const];
  });
  const list = groupLines([{ title: 'Commands', rows: rows.sort(byName) }]);
  world.stdout.print(
    `${usageLine(name, { usage: 'COMMAND' })}\n\n${managers[name]}\n\n${list}\n\n${seeHelp(`${name} COMMAND`)} on a command.\n`,
  );
  return 0;
}

async function printHelpOf(world: ProgramContext, words: readonly string[]): Promise<number> {
  if (words.length === 0) return await printRootHelp(world);
  const found = findCommand(words);
  if (found.type === 'command') return await printCommandHelp(world, found.name);
  return await reportFound(world, found);
}

async function printCommandHelp(world: ProgramContext, name: string): Promise<number> {
  const entry = commands.find(({ names }) => names.includes(name));
  if (entry === undefined) return 1;
  const [{ commandHelp }, { command }] = await Promise.all([import('./help.ts'), entry.load()]);
  world.stdout.print(commandHelp({ name, names: entry.names, summary: entry.summary, command }, widthOf(world)));
  return 0;
}

async function printRootHelp(world: ProgramContext): Promise<number> {
  const { rootHelp } = await import('./root-help.ts');
  world.stdout.print(rootHelp(globalFlags, widthOf(world)));
  return 0;
}

function widthOf(world: ProgramContext): number {
  return world.stdout.size()?.columns ?? 80;
}

function byName(a: readonly [string, string], b: readonly [string, string]): number {
  return a[0] < b[0] ? -1 : 1;
}

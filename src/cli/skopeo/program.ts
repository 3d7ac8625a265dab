/** From the words of a command line of `skopeo` to the exit status. */
import { resolve } from 'node:path';
import { OnggiError } from '../../errors.ts';
import { version } from '../../version.ts';
import type { Context } from '../context.ts';
import { asIs, type Command, type Flags, type Refused, single, toggle, type Values } from '../definition.ts';
import { traceOf } from '../failure.ts';
import { flagLines, groupLines } from '../help.ts';
import { parseArguments } from '../parse.ts';
import { refusedSkopeoCommands, type SkopeoEntry, skopeoCommands } from './table.ts';

const globalFlags = {
  'command-timeout': single('duration', duration, 'Timeout for the command execution'),
  debug: toggle('Enable debug output'),
  'insecure-policy': toggle('Run the tool without any policy check'),
  'override-arch': single('ARCH', asIs, 'Use ARCH instead of the architecture of the machine for choosing images'),
  'override-os': single('OS', asIs, 'Use OS instead of the running OS for choosing images'),
  'override-variant': single('VARIANT', asIs, 'Use VARIANT instead of the running architecture variant'),
  policy: single('string', asIs, 'Path to a trust policy file'),
  'registries.d': single('DIR', asIs, 'Use registry configuration files in DIR (e.g. for container signature storage)'),
  tmpdir: single('string', asIs, 'Directory used to store temporary files'),
  version: toggle('Version for Skopeo', { short: 'v' }),
} as const;

const refusedFlags: Refused = { values: ['user-agent-prefix'] };

export type SkopeoWorld = Pick<Context, 'stdout' | 'stderr'> & {
  readonly open: () => Context & AsyncDisposable;
  /** Ends the command in good order after so long. */
  readonly after: (milliseconds: number) => void;
  /** Temporary files go there. */
  readonly keepIn: (directory: string) => void;
};

/** Runs one command line to its end. Never rejects: what fails is shown on standard error, once. */
export async function runSkopeo(argv: readonly string[], world: SkopeoWorld): Promise<number> {
  const outcome = parseArguments({ flags: globalFlags, refused: refusedFlags, interspersed: false }, argv);
  if (outcome.type === 'problem') return fail(world, outcome.message);
  if (outcome.type === 'help') return showHelp(world);
  if (outcome.flags.version) {
    world.stdout.print(`skopeo version 1.18.0 (onggi ${version})\n`);
    return 0;
  }
  const [name, ...rest] = outcome.args;
  if (name === undefined || (name === 'help' && rest.length === 0)) return showHelp(world);
  const wanted = name === 'help' ? (rest[0] ?? '') : name;
  const entry = skopeoCommands.find((each) => each.name === wanted);
  if (entry !== undefined) return await runCommand(entry, name === 'help' ? ['--help'] : rest, outcome.flags, world);
  const known = refusedSkopeoCommands.includes(wanted);
  return fail(world, known ? `command "${wanted}" is not supported` : `unknown command "${wanted}" for "skopeo"`);
}

type GlobalFlags = Values<typeof globalFlags>;

async function runCommand(
  entry: SkopeoEntry,
  argv: readonly string[],
  before: GlobalFlags,
  world: SkopeoWorld,
): Promise<number> {
  let globals = before;
  try {
    const { command } = await entry.load();
    const { version: _, ...anywhere } = globalFlags;
    const flags: Flags = { ...anywhere, ...command.flags };
    const outcome = parseArguments({ ...command, flags }, argv);
    if (outcome.type === 'help') return showCommandHelp(world, entry, command);
    if (outcome.type === 'problem') return fail(world, outcome.message);
    const { min, max } = command.positionals;
    const count = outcome.args.length;
    if (count < min || (max !== null && count > max)) {
      const wanted = max === min ? `Exactly ${min}` : `At least ${min}`;
      return fail(world, `${wanted} argument${min === 1 ? '' : 's'} expected, ${count} given`);
    }
    globals = joined(before, outcome.flags);
    if (globals['command-timeout'] !== undefined) world.after(globals['command-timeout']);
    if (globals.tmpdir !== undefined) world.keepIn(globals.tmpdir);
    const platform = outcome.flags['platform'] ?? platformOf(globals);
    await using context = world.open();
    return await command.run({
      flags: { ...outcome.flags, platform, policy: policyOf(globals), registriesDirectory: registriesOf(globals) },
      args: outcome.args,
      context,
    });
  } catch (error) {
    const trace = globals.debug ? `\n${traceOf(error).join('\n')}` : '';
    const hint = error instanceof OnggiError && error.hint !== undefined ? ` ${error.hint}` : '';
    const message = error instanceof Error ? error.message : String(error);
    const stop = hint === '' || /[.?!]$/.test(message) ? '' : '.';
    return fail(world, `${message}${stop}${hint}${trace}`);
  }
}

/** The flags of the program stand before the command or behind it. */
function joined(before: GlobalFlags, behind: Readonly<Record<string, unknown>>): GlobalFlags {
  const given = Object.entries(behind).filter(
    ([name, value]) => Object.hasOwn(globalFlags, name) && value !== undefined && value !== false,
  );
  return { ...before, ...Object.fromEntries(given) };
}

/** Null for none, undefined for the machine's own. */
function policyOf(globals: GlobalFlags): string | null | undefined {
  if (globals['insecure-policy']) return null;
  return globals.policy === undefined ? undefined : resolve(globals.policy);
}

function registriesOf({ 'registries.d': directory }: GlobalFlags): string | undefined {
  return directory === undefined ? undefined : resolve(directory);
}

/** Undefined for the machine's own. */
function platformOf(globals: GlobalFlags): string | undefined {
  const [os, architecture, variant] = [globals['override-os'], globals['override-arch'], globals['override-variant']];
  if (os === undefined && architecture === undefined && variant === undefined) return undefined;
  const own: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };
  const machine = own[process.arch] ?? process.arch;
  return `${os ?? 'linux'}/${architecture ?? machine}${variant === undefined ? '' : `/${variant}`}`;
}

/** Skopeo's own shape, which scripts look for. */
function fail(world: SkopeoWorld, message: string): number {
  world.stderr.print(`FATA[0000] ${message}\n`);
  return 1;
}

function showHelp(world: SkopeoWorld): number {
  const rows = skopeoCommands.map(({ name, summary }) => [name, summary] as const);
  world.stdout.print(
    [
      'Various operations with container images and container image registries',
      'Usage:\n  skopeo [flags]\n  skopeo [command]',
      groupLines([{ title: 'Available Commands', rows }]),
      `Flags:\n${flagLines(globalFlags, widthOf(world))}`,
      'Use "skopeo [command] --help" for more information about a command.\n',
    ].join('\n\n'),
  );
  return 0;
}

function showCommandHelp(world: SkopeoWorld, { name, summary }: SkopeoEntry, command: Command): number {
  const flags = flagLines(command.flags, widthOf(world));
  const transports = 'Supported transports:\ncontainers: dir, docker, docker-archive, oci, oci-archive, onggi';
  const parts = [summary, transports.replace('containers: ', ''), `Usage:\nskopeo ${name} ${command.usage}`];
  world.stdout.print(`${[...parts, ...(flags === '' ? [] : [`Flags:\n${flags}`])].join('\n\n')}\n`);
  return 0;
}

function widthOf(world: SkopeoWorld): number {
  return world.stdout.size()?.columns ?? 80;
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** "1m30s" of Go's time.ParseDuration, in milliseconds. */
function duration(text: string): number {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) throw new OnggiError('invalid', 'not a duration like 1m30s');
  let total = 0;
  for (const [, number = '', , unit = ''] of text.matchAll(/(\d+(\.\d+)?)(ms|s|m|h)/g)) {
    total += Number(number) * (units[unit] ?? 0);
  }
  return total;
}

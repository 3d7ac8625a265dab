/** What a shell has to know to complete command lines. Pure. */
import type { Completion } from '../definition.ts';
import { program } from '../help.ts';

/** What may stand in a place: words, or what a program prints; files are the shell's own business. */
export type Offer =
  | { readonly type: 'words'; readonly words: readonly string[] }
  | { readonly type: 'output'; readonly command: string }
  | { readonly type: 'files' }
  | { readonly type: 'nothing' };

export type FlagModel = {
  readonly name: string;
  readonly short: string | undefined;
  readonly help: string;
  /** Of its value; undefined for a switch. */
  readonly value: Offer | undefined;
};

export type CommandModel = {
  /** Every way to say it: "container ls", "ps". */
  readonly names: readonly string[];
  /** The one that help lists. */
  readonly mainName: string;
  readonly summary: string;
  readonly flags: readonly FlagModel[];
  readonly positional: Offer;
  /** What follows the first word that is no flag is a command of its own, as in `run`. */
  readonly stops: boolean;
};

export type Model = {
  readonly program: string;
  readonly globalFlags: readonly FlagModel[];
  readonly commands: readonly CommandModel[];
  /** First words that are followed by a second: "container". */
  readonly managers: readonly { readonly name: string; readonly summary: string }[];
};

export const nothing: Offer = { type: 'nothing' };
const files: Offer = { type: 'files' };

export const positionalOffers: Readonly<Record<Completion, Offer>> = {
  containers: { type: 'output', command: `${program} ps -a --format '{{.Names}}' 2>/dev/null` },
  running: { type: 'output', command: `${program} ps --format '{{.Names}}' 2>/dev/null` },
  images: { type: 'output', command: `${program} images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null` },
  volumes: { type: 'output', command: `${program} volume ls -q 2>/dev/null` },
  secrets: { type: 'output', command: `${program} secret ls --format '{{.Name}}' 2>/dev/null` },
  objects: {
    type: 'output',
    command: [`ps -a --format '{{.Names}}'`, `images --format '{{.Repository}}:{{.Tag}}'`, 'volume ls -q']
      .map((each) => `${program} ${each} 2>/dev/null`)
      .join('; '),
  },
  shells: { type: 'words', words: ['bash', 'zsh', 'fish'] },
  files,
  none: nothing,
};

/** The words, and each container that runs as "container:NAME". */
const orContainer = (...list: readonly string[]): Offer => ({
  type: 'output',
  command: `printf '%s\\n' ${list.join(' ')}; ${program} ps --format 'container:{{.Names}}' 2>/dev/null`,
});

const words = (...list: readonly string[]): Offer => ({ type: 'words', words: list });

/** Values of flags, by the name of the flag in whatever command. */
export const flagValues: Readonly<Record<string, Offer>> = {
  cgroupns: words('private', 'host'),
  cidfile: files,
  'env-file': files,
  'init-path': files,
  input: files,
  ipc: orContainer('private', 'shareable', 'host', 'none'),
  'label-file': files,
  'log-driver': words('json-file', 'local', 'k8s-file', 'journald', 'syslog', 'fluentd', 'gelf', 'none', 'passthrough'),
  link: positionalOffers.containers,
  network: orContainer('bridge', 'host', 'none'),
  output: files,
  pid: orContainer('host'),
  platform: words('linux/amd64', 'linux/arm64', 'linux/arm/v7', 'linux/386', 'linux/riscv64', 'linux/s390x'),
  pull: words('always', 'missing', 'never', 'newer'),
  requires: positionalOffers.containers,
  restart: words('no', 'always', 'unless-stopped', 'on-failure'),
  root: files,
  'security-opt': words('no-new-privileges', 'seccomp=unconfined', 'apparmor=unconfined', 'systempaths=unconfined'),
  secret: positionalOffers.secrets,
  sdnotify: words('container', 'conmon', 'healthy', 'ignore'),
  signal: words('HUP', 'INT', 'QUIT', 'KILL', 'TERM', 'USR1', 'USR2', 'WINCH'),
  systemd: words('true', 'always', 'false'),
  'stop-signal': words('HUP', 'INT', 'QUIT', 'KILL', 'TERM', 'USR1', 'USR2', 'WINCH'),
  userns: orContainer('host', 'remap', 'auto', 'keep-id', 'nomap'),
  uts: orContainer('host'),
  volume: positionalOffers.volumes,
  'volumes-from': positionalOffers.containers,
};

type Word = { readonly name: string; readonly summary: string };

/** Words that may come first, with what they are. */
export function firstWords({ commands, managers }: Model): Word[] {
  const single = commands.filter(({ mainName }) => !mainName.includes(' '));
  const own = single.map(({ mainName, summary }) => ({ name: mainName, summary }));
  const all = [...own, ...managers, { name: 'help', summary: 'Show how to use a command' }];
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Words that may follow a manager, with what they do: "ls" of "container". */
export function secondWords(model: Model, manager: string): Word[] {
  return model.commands.flatMap(({ names, summary }) =>
    names
      .filter((name) => name.startsWith(`${manager} `))
      .map((name) => ({ name: name.slice(manager.length + 1), summary })),
  );
}

/** The flags of a command that take a value, as they are written: "--env", "-e". */
export function valueFlags(flags: readonly FlagModel[]): string[] {
  return flags
    .filter(({ value }) => value !== undefined)
    .flatMap(({ name, short }) => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]);
}

/** How flags with known values are written; a letter is left out that is another flag in some command. */
export function spellings({ commands }: Model, name: string): string[] {
  const flags = commands.flatMap((command) => command.flags.filter(({ value }) => value !== undefined));
  const letters = new Set(flags.filter((flag) => flag.name === name).flatMap(({ short }) => short ?? []));
  const own = [...letters].filter((letter) => flags.every((flag) => flag.short !== letter || flag.name === name));
  return [`--${name}`, ...own.map((letter) => `-${letter}`)];
}

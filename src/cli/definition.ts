/**
 * What a command is: a piece of data and one function (STYLE A4). Help, parsing, documentation and completion derive
 * from the data; a flag's text becomes a typed value here, at the border, and nowhere else. Pure.
 */
import type { ContainerStatus } from '../engine/types.ts';
import { unsupported } from '../errors.ts';
import type { Context } from './context.ts';

type FlagBase = {
  /** One letter. */
  readonly short?: string;
  /** Other long names, accepted but not shown. */
  readonly aliases?: readonly string[];
  readonly help: string;
};

/** A flag without a value: `--rm`, `--rm=false`. */
export type Switch = FlagBase & { readonly kind: 'switch'; readonly initial: boolean };

/**
 * A flag with a value, the last one wins. `parse` throws an OnggiError whose message says only what is wrong with the
 * value; the parser adds which flag it was.
 */
export type Single<T> = FlagBase & {
  readonly kind: 'single';
  /** The word that help shows for the value. */
  readonly type: string;
  readonly parse: (text: string) => T;
  /** What help shows as the default. */
  readonly shown?: string;
  /** An empty value is as if the flag were not there, as in Docker: scripts pass what they have. */
  readonly emptyIsAbsent?: boolean;
};

/** A flag that may be repeated; the values keep their order. */
export type List<T> = FlagBase & {
  readonly kind: 'list';
  readonly type: string;
  readonly parse: (text: string) => T;
  /** An empty value adds nothing. */
  readonly emptyIsAbsent?: boolean;
};

export type Flag = Switch | Single<unknown> | List<unknown>;
export type Flags = Readonly<Record<string, Flag>>;

export type ValueOf<F> = F extends Switch
  ? boolean
  : F extends List<infer T>
    ? readonly T[]
    : F extends Single<infer T>
      ? T | undefined
      : never;
export type Values<F> = { readonly [N in keyof F]: ValueOf<F[N]> };

/**
 * Flags of Docker's command that onggi knows but can't keep yet. They are parsed with the right arity, so that what
 * follows is not misread, and refused by name (STYLE H5).
 */
export type Refused = {
  readonly values?: readonly string[];
  readonly switches?: readonly string[];
  /** Letter -> long name. */
  readonly shorts?: Readonly<Record<string, string>>;
  /** Values that ask for what onggi does anyway. */
  readonly harmless?: Readonly<Record<string, readonly string[]>>;
};

export type Positionals = { readonly min: number; readonly max: number | null };

export type Example = { readonly line: string; readonly says: string };

/** What completion offers for the positionals. */
export type Completion =
  | 'containers'
  | 'running'
  | 'images'
  | 'volumes'
  | 'secrets'
  /** Containers, images and volumes. */
  | 'objects'
  | 'shells'
  | 'files'
  | 'none';

export type Call<F extends Flags = Flags> = {
  readonly flags: Values<F>;
  readonly args: readonly string[];
  readonly context: Context;
};

export type Command<F extends Flags = Flags> = {
  /** What follows the name in the usage line: "[OPTIONS] CONTAINER". */
  readonly usage: string;
  readonly positionals: Positionals;
  readonly flags: F;
  readonly refused?: Refused;
  /** false: the first positional ends the flags, as in `run`, whose command has flags of its own. */
  readonly interspersed?: boolean;
  readonly examples?: readonly Example[];
  readonly completes?: Completion;
  /** `--latest` names the container: instead of all positionals, or instead of the first. */
  readonly latest?: 'all' | 'first';
  /** With `--all` it is about every container in one of these states, and no positional is given. */
  readonly everything?: readonly ContainerStatus[];
  /** Exit status of errors that have no status of their own in the table of codes; 1 if absent. */
  readonly failure?: number;
  /** Exit status of too few or too many arguments; 1 if absent, as with Docker. */
  readonly usageFailure?: number;
  /** It ends with 126 or 127 when the command of the container can't be executed or is not there, as in Docker. */
  readonly tellsOfCommand?: boolean;
  /** @returns the exit status */
  run(call: Call<F>): Promise<number>;
};

/** Binds the types of flags and function together, then forgets them. */
export function defineCommand<const F extends Flags>(command: Command<F>): Command {
  return command as unknown as Command;
}

type Extra = { readonly short?: string; readonly aliases?: readonly string[] };
type ListExtra = Extra & { readonly emptyIsAbsent?: boolean };

export function toggle(help: string, extra: Extra & { readonly initial?: boolean } = {}): Switch {
  return { kind: 'switch', initial: false, help, ...extra };
}

export function single<T>(
  type: string,
  parse: (text: string) => T,
  help: string,
  extra: Extra & { readonly shown?: string; readonly emptyIsAbsent?: boolean } = {},
): Single<T> {
  return { kind: 'single', type, parse, help, ...extra };
}

export function list<T>(type: string, parse: (text: string) => T, help: string, extra: ListExtra = {}): List<T> {
  return { kind: 'list', type, parse, help, ...extra };
}

/** Podman's, for commands with `latest`. */
export const latestFlag = toggle('Take the container that was created last', { short: 'l' });

/** The parser of a value that is taken as it stands. */
export function asIs(text: string): string {
  return text;
}

/** An argument that is empty is none: scripts pass what they have (`emptyIsAbsent` of flags). */
export function emptyAsNone(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/** The refusal of a flag by name. */
export function refusal(command: string, name: string): Error {
  return unsupported(`flag --${name} of '${command}'`);
}

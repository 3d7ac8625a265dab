/**
 * Finds and loads the native part: the addon (`onggi.node`) and the shim (`onggi-shim`), which lie in one directory.
 * Works in Bun, in an executable compiled by Bun, and in Node.
 */
import { fromSystemError, OnggiError } from '../errors.ts';
import type { Addon } from './addon-surface.ts';

export type { Addon } from './addon-surface.ts';

/**
 * Where the main module of an executable compiled by Bun appears to lie. The path of this module doesn't tell: with
 * `--bytecode` Bun writes the path at build time into it.
 */
const compiledRoot = '/$bunfs/';

export type Surroundings = {
  /** ONGGI_LIBDIR */
  readonly override: string | undefined;
  /** Path of the program's main module (process.argv[1]). */
  readonly main: string;
  /** The running executable (process.execPath). */
  readonly executable: string;
  /** Directory of this module. */
  readonly module: string;
};

/**
 * The directory of the native files: ONGGI_LIBDIR if set, beside the executable when compiled, else relative to this
 * module: `dist` of the checkout, or of the package when built (`dist/lib/kernel`). Pure.
 */
export function nativeDirectory({ override, main, executable, module }: Surroundings): string {
  if (override !== undefined && override !== '') {
    if (override.startsWith('/')) return override;
    throw new OnggiError('invalid', `ONGGI_LIBDIR: "${override}" is not an absolute path`);
  }
  // Not by node:path, which takes half a millisecond to load.
  if (main.startsWith(compiledRoot)) return executable.slice(0, executable.lastIndexOf('/'));
  const { join } = process.getBuiltinModule('node:path');
  return module.endsWith('/dist/lib/kernel') ? join(module, '../..') : join(module, '../../dist');
}

/** Whether this program is an executable compiled by Bun, so that none of its modules is a file. */
export function isCompiled(): boolean {
  return (process.argv[1] ?? '').startsWith(compiledRoot);
}

/**
 * Whether nobody but the caller and root can put another file there: what lies in the directory is executed, and a
 * variable of the environment may come from somebody who must not say what root executes. Pure.
 */
export function isTrusted({ uid, mode }: { readonly uid: number; readonly mode: number }, caller: number): boolean {
  const writableByOthers = 0o022;
  return (uid === 0 || uid === caller) && (mode & writableByOthers) === 0;
}

function checkOverride(directory: string): void {
  const status = process.getBuiltinModule('node:fs').statSync(directory, { throwIfNoEntry: false });
  if (status === undefined || isTrusted(status, process.geteuid?.() ?? 0)) return;
  const found = `is owned by user ${status.uid} and has mode ${(status.mode & 0o7777).toString(8).padStart(4, '0')}`;
  throw new OnggiError('denied', `ONGGI_LIBDIR: "${directory}" ${found}: others could put programs there`, {
    hint: "Take a directory that is yours or root's and that nobody else may write to.",
  });
}

function nativePath(file: string): string {
  const override = process.env['ONGGI_LIBDIR'];
  if (override?.startsWith('/') === true) checkOverride(override);
  const directory = nativeDirectory({
    override,
    main: process.argv[1] ?? '',
    executable: process.execPath,
    module: import.meta.dirname,
  });
  return `${directory}/${file}`;
}

/** Absolute path of the shim's executable. Not checked to exist. */
export function shimPath(): string {
  return nativePath('onggi-shim');
}

let loaded: Addon | undefined;

/**
 * The addon, loaded at the first call.
 *
 * @throws OnggiError `unavailable` when it can't be loaded
 */
export function addon(): Addon {
  loaded ??= load(nativePath('onggi.node'));
  return loaded;
}

function load(path: string): Addon {
  const module: { exports: Partial<Addon> } = { exports: {} };
  try {
    process.dlopen(module, path);
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new OnggiError('unavailable', `load the native part "${path}": ${found}`, {
      cause,
      hint: 'Keep onggi.node and onggi-shim beside the executable, or name their directory in ONGGI_LIBDIR.',
    });
  }
  // The surface is checked by a test against addon-surface.ts; a file of another version lacks what is new.
  return module.exports as Addon;
}

/** Runs a native call; its system error becomes an OnggiError that says what was `tried`. */
export function native<T>(tried: string, call: (addon: Addon) => T): T {
  const calls = addon();
  try {
    return call(calls);
  } catch (error) {
    throw fromSystemError(error, tried);
  }
}

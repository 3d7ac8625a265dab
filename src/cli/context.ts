/**
 * What a command may touch of the world around it. The program makes one for the process; tests make one of fakes.
 */
import type { Engine } from '../engine/index.ts';
import type { Input } from './input.ts';
import type { Output } from './output.ts';
import type { Signals } from './signals.ts';

/** The part of the engine that commands use. */
export type EngineFace = Pick<
  Engine,
  | 'cache'
  | 'containers'
  | 'content'
  | 'images'
  | 'registries'
  | 'manifestLists'
  | 'transfers'
  | 'secrets'
  | 'volumes'
  | 'networks'
  | 'system'
  | 'info'
  | 'events'
  | 'reconcile'
  | 'boot'
>;

export type Context = {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly signals: Signals;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute path against which relative ones are resolved. */
  readonly directory: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Shows an error and goes on: the command has other things to do. */
  readonly report: (error: unknown) => void;
  /** Neither root of the machine nor root of a user namespace. */
  readonly ordinaryUser: boolean;
  /**
   * For an ordinary user: executes a command in the place of this process, as root of a user namespace with the ids of
   * its containers (engine/user-namespace.ts). Returns only where there is nothing to enter.
   */
  readonly enterUserNamespace: (command: readonly string[]) => Promise<void>;
  /**
   * Begins this command line again in the place of this process, with JavaScriptCore's compiler, which the executable
   * starts without (scripts/seal-executable.ts). Returns where there is one. Nothing may have been done or read before.
   */
  readonly enterCompiled: () => Promise<void>;
  /** Whether it runs with a compiler. */
  readonly compiled: boolean;
  /**
   * Runs this program once more, on the same store. What it prints goes to standard error, or with `silent` nowhere.
   * @returns its exit status
   */
  readonly runAgain: (args: readonly string[], silent?: boolean) => Promise<number>;
  /** Opens the engine at the first call; the program disposes of it. */
  readonly engine: () => Promise<EngineFace>;
};

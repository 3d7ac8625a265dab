/** What a command of `onggi-runtime` is: data and one function, like those of `onggi`, in another world. */
import type { Flags, Positionals, Values } from '../definition.ts';
import type { RuntimeContext } from './context.ts';

export type RuntimeCall<F extends Flags = Flags> = {
  readonly flags: Values<F>;
  /** Long names of the flags that were given. */
  readonly given: ReadonlySet<string>;
  readonly args: readonly string[];
  readonly context: RuntimeContext;
};

export type RuntimeCommand<F extends Flags = Flags> = {
  /** What follows the name in the usage line: "[command options] <container-id>". */
  readonly usage: string;
  readonly positionals: Positionals;
  readonly flags: F;
  /** false: the first positional ends the flags, as in `exec`, whose command has flags of its own. */
  readonly interspersed?: boolean;
  /** More than the summary says. */
  readonly description?: string;
  /** Put before the message of an error, as runc does: "exec failed". */
  readonly failing?: string;
  /** Exit status of a failure; 1 if absent. */
  readonly failure?: number;
  /** @returns the exit status */
  run(call: RuntimeCall<F>): Promise<number> | number;
};

/** Binds the types of flags and function together, then forgets them. */
export function defineRuntimeCommand<const F extends Flags>(command: RuntimeCommand<F>): RuntimeCommand {
  return command as unknown as RuntimeCommand;
}

/** The end of this very process, and its limits. */
import { addon, native } from './addon.ts';

/**
 * Ends this process at once (_exit(2)): no exit handler runs and no library closes what it holds. The last one to close
 * a SQLite database would empty and delete its log, with three fsyncs, and the next process begin a new one with two.
 */
export function endProcess(status: number): never {
  return addon().exitNow(status);
}

/**
 * For a process that has started what it was to start and waits for its end: what the kernel takes to unmap the pages of
 * a large program, a millisecond, is over when the end comes. They are mapped again where they are needed.
 */
export function prepareEnd(): void {
  addon().dropProgram();
}

/**
 * Executes a program in the place of this process, which passes on nothing but descriptors 0 to 2.
 *
 * @param command its absolute path, and its arguments
 * @throws OnggiError `not-found`, `denied`
 */
export function execute([program = '', ...args]: readonly string[], environment: Environment): never {
  return native(`execute "${program}"`, (calls) =>
    calls.execute(program, [program, ...args], assignmentsOf(environment)),
  );
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** As execve(2) takes it. */
export function assignmentsOf(environment: Environment): string[] {
  return Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
}

/**
 * As many descriptors as this process may have, for one that serves many. Not for one that starts others: they would get
 * the limit, too.
 */
export function raiseDescriptorLimit(): void {
  native('raise the limit of descriptors', (calls) => calls.raiseDescriptorLimit());
}

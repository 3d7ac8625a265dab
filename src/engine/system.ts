/** The operations on the store as a whole, each loaded when it is first called. */
import type { Context } from './context.ts';
import type { CheckReport, CheckSystemOptions } from './system-check.ts';

export type System = {
  /**
   * Verifies every digest, every layer and every reference of the store; with `repair` mends or drops what is broken.
   * @throws `corrupt` when the database can't be read, `cancelled`
   */
  check(options?: CheckSystemOptions): Promise<CheckReport>;
};

export function makeSystem(context: Context): System {
  return {
    check: async (options) => (await import('./system-check.ts')).checkSystem(context, options ?? {}),
  };
}

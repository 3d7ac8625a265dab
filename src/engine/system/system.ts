/** The operations on the store as a whole, each loaded when it is first called. */
import type { Context } from '../context.ts';
import { checkIds } from '../user-namespace.ts';
import type { CheckReport, CheckSystemOptions } from './check.ts';
import type { PrunedSystem, PruneSystemOptions } from './prune.ts';
import type { SystemUsage } from './usage.ts';

export type System = {
  /**
   * Verifies every digest, every layer and every reference of the store; with `repair` mends or drops what is broken.
   * @throws `corrupt` when the database can't be read, `cancelled`
   */
  check(options?: CheckSystemOptions): Promise<CheckReport>;
  /** What the store takes on the disk, and for what. */
  usage(): Promise<SystemUsage>;
  /** Removes containers that don't run, images that nothing needs, what killed processes left. */
  prune(options?: PruneSystemOptions): Promise<PrunedSystem>;
};

export function makeSystem(context: Context): System {
  return {
    async check(options = {}) {
      // Layers are unpacked again, to be compared.
      if (options.quick !== true || options.repair === true) checkIds('check the store');
      return await (await import('./check.ts')).checkSystem(context, options);
    },
    usage: async () => (await import('./usage.ts')).systemUsage(context),
    prune: async (options) => (await import('./prune.ts')).pruneSystem(context, options ?? {}),
  };
}

/** The operations on networks, each loaded when it is first called. */
import type { Context } from '../context.ts';

export type Networks = {
  /** In the shape of the Docker Engine API. @throws `not-found` */
  inspect(name: string): Promise<Record<string, unknown>>;
};

export function makeNetworks(context: Context): Networks {
  return { inspect: async (name) => (await import('./inspect.ts')).inspectNetwork(context, name) };
}

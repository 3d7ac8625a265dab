import type { ContainerSummary } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import type { EngineFace } from '../context.ts';
import { defineCommand, toggle } from '../definition.ts';
import { forEachRef } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  positionals: { min: 0, max: null },
  completes: 'running',
  flags: { all: toggle('Pause all that run', { short: 'a' }) },
  async run({ flags: { all }, args, context }) {
    const engine = await context.engine();
    const refs = await chosen(args, all, engine, 'pause', 'running');
    return await forEachRef(refs, context, (ref) => engine.containers.pause(ref));
  },
});

/** Those that are named, or with `--all` those in a state. @throws OnggiError `invalid` when it is both or neither */
export async function chosen(
  args: readonly string[],
  all: boolean,
  engine: EngineFace,
  name: string,
  status: ContainerSummary['status'],
): Promise<readonly string[]> {
  if (all && args.length > 0) throw new OnggiError('invalid', `'onggi ${name}' takes containers or --all, not both`);
  if (!all && args.length === 0) throw new OnggiError('invalid', `'onggi ${name}' requires at least 1 argument`);
  if (!all) return args;
  const containers = await engine.containers.list();
  return containers.filter((container) => container.status === status).map(({ id }) => id);
}

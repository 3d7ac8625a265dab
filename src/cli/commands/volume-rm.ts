import { OnggiError } from '../../errors.ts';
import { defineCommand, toggle } from '../definition.ts';
import { forEachRef } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] VOLUME [VOLUME...]',
  positionals: { min: 1, max: null },
  completes: 'volumes',
  flags: { force: toggle('A volume that is not there is no failure', { short: 'f' }) },
  async run({ flags: { force }, args, context }) {
    const engine = await context.engine();
    return await forEachRef(args, context, (name) => removed(() => engine.volumes.remove(name), force));
  },
});

async function removed(remove: () => Promise<void>, force: boolean): Promise<void> {
  try {
    await remove();
  } catch (error) {
    if (!force || !(error instanceof OnggiError) || error.code !== 'not-found') throw error;
  }
}

import { defineCommand, toggle } from '../definition.ts';
import { forEachRef } from '../each.ts';
import { chosen } from './pause.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  positionals: { min: 0, max: null },
  completes: 'running',
  flags: { all: toggle('Let all go on that are paused', { short: 'a' }) },
  async run({ flags: { all }, args, context }) {
    const engine = await context.engine();
    const refs = await chosen(args, all, engine, 'unpause', 'paused');
    return await forEachRef(refs, context, (ref) => engine.containers.unpause(ref));
  },
});

import { defineCommand, latestFlag, toggle } from '../definition.ts';
import { forEachRef } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  positionals: { min: 1, max: null },
  completes: 'running',
  latest: 'all',
  everything: ['paused'],
  flags: { all: toggle('Let all go on that are paused', { short: 'a' }), latest: latestFlag },
  async run({ args, context }) {
    const engine = await context.engine();
    return await forEachRef(args, context, (ref) => engine.containers.unpause(ref));
  },
});

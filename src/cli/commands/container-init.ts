import { defineCommand, latestFlag, toggle } from '../definition.ts';
import { forEachRef } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  positionals: { min: 1, max: null },
  completes: 'containers',
  latest: 'all',
  everything: ['created', 'exited'],
  flags: {
    all: toggle('Initialize all that do not run', { short: 'a' }),
    latest: latestFlag,
  },
  async run({ args, context }) {
    const engine = await context.engine();
    return await forEachRef(args, context, (ref) => engine.containers.initialize(ref));
  },
});

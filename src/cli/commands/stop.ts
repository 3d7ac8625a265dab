import { defineCommand, latestFlag, toggle } from '../definition.ts';
import { forEachRef } from '../each.ts';
import { stopFlags, stopOptions } from '../stop-flags.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  positionals: { min: 1, max: null },
  completes: 'running',
  latest: 'all',
  everything: ['initialized', 'running', 'paused', 'restarting'],
  flags: { all: toggle('Stop all that run', { short: 'a' }), ...stopFlags, latest: latestFlag },
  async run({ flags, args, context }) {
    const engine = await context.engine();
    return await forEachRef(args, context, (ref) => engine.containers.stop(ref, stopOptions(flags)));
  },
});

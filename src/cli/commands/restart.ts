import { defineCommand, latestFlag, toggle } from '../definition.ts';
import { forEachRef } from '../each.ts';
import { stopFlags, stopOptions } from '../stop-flags.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  positionals: { min: 1, max: null },
  completes: 'containers',
  latest: 'all',
  everything: ['initialized', 'created', 'running', 'paused', 'exited', 'restarting'],
  flags: { all: toggle('Restart all, whether they run or not', { short: 'a' }), ...stopFlags, latest: latestFlag },
  async run({ flags, args, context }) {
    const engine = await context.engine();
    return await forEachRef(args, context, (ref) => engine.containers.restart(ref, stopOptions(flags)));
  },
});

import { asIs, defineCommand, latestFlag, single, toggle } from '../definition.ts';
import { forEachRef } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  positionals: { min: 1, max: null },
  completes: 'running',
  latest: 'all',
  everything: ['running', 'paused'],
  flags: {
    all: toggle('Send it to all that run', { short: 'a' }),
    latest: latestFlag,
    signal: single('string', asIs, 'Signal by name or number', {
      short: 's',
      shown: 'SIGKILL',
      emptyIsAbsent: true,
    }),
  },
  async run({ flags: { signal }, args, context }) {
    const engine = await context.engine();
    return await forEachRef(args, context, (ref) => engine.containers.kill(ref, signal));
  },
});

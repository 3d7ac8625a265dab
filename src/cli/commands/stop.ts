import { asIs, defineCommand, single } from '../definition.ts';
import { forEachRef } from '../each.ts';
import { integer } from '../value/number.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  positionals: { min: 1, max: null },
  completes: 'running',
  flags: {
    signal: single('string', asIs, 'Signal to send first', { short: 's' }),
    timeout: single('int', integer(-1), 'Seconds until SIGKILL; -1 to wait for ever', {
      short: 't',
      aliases: ['time'],
      shown: '10',
    }),
  },
  async run({ flags: { signal, timeout }, args, context }) {
    const engine = await context.engine();
    const options = { ...(signal !== undefined && { signal }), ...(timeout !== undefined && { timeout }) };
    return await forEachRef(args, context, (ref) => engine.containers.stop(ref, options));
  },
});

import { asIs, defineCommand, single, toggle } from '../definition.ts';
import { pullFirst } from '../pull.ts';

/** Internal: how `run` and `create` fetch an image that is not there. What it has to say goes to standard error. */
export const command = defineCommand({
  usage: '[OPTIONS] NAME',
  positionals: { min: 1, max: 1 },
  flags: {
    platform: single('string', asIs, 'As of pull'),
    quiet: toggle('As of pull'),
  },
  async run({ flags, args: [name = ''], context }) {
    await pullFirst(name, context, context.stderr, flags);
    return 0;
  },
});

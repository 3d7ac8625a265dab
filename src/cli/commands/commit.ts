import { asIs, defineCommand, emptyAsNone, list, single, toggle } from '../definition.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [REPOSITORY[:TAG]]',
  positionals: { min: 1, max: 2 },
  completes: 'containers',
  flags: {
    author: single('string', asIs, 'Author (e.g., "Ada Lovelace <ada@example.org>")', { short: 'a' }),
    change: list('list', asIs, 'Apply a Dockerfile instruction to the image', { short: 'c' }),
    message: single('string', asIs, 'Message for the history of the image', { short: 'm' }),
    pause: toggle('Let the container stand still meanwhile', { short: 'p', initial: true }),
  },
  examples: [{ line: 'commit -c \'CMD ["nginx"]\' web site:2', says: 'An image of a container, with a command' }],
  async run({ flags: { author, change, message, pause }, args: [ref = '', name], context }) {
    const engine = await context.engine();
    const { id } = await engine.containers.commit(ref, emptyAsNone(name) ?? null, {
      changes: [...change],
      pause,
      ...(author !== undefined && { author }),
      ...(message !== undefined && { message }),
    });
    context.stdout.print(`${id}\n`);
    return 0;
  },
});

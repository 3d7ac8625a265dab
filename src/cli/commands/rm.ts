import { OnggiError } from '../../errors.ts';
import { defineCommand, toggle } from '../definition.ts';
import { forEachRef } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  positionals: { min: 1, max: null },
  completes: 'containers',
  latest: 'all',
  flags: {
    force: toggle('Kill containers that run', { short: 'f' }),
    // Without a letter: that is Docker's for --link.
    latest: toggle('Remove the container that was created last'),
    volumes: toggle('Remove anonymous volumes with the container', { short: 'v' }),
  },
  refused: { switches: ['link'], shorts: { l: 'link' } },
  async run({ flags: { force, volumes }, args, context }) {
    const engine = await context.engine();
    return await forEachRef(args, context, (ref) => engine.containers.remove(ref, { force, volumes }), {
      // As in Docker: with --force it is enough that the container is gone.
      forgive: (error) => force && error instanceof OnggiError && error.code === 'not-found',
    });
  },
});

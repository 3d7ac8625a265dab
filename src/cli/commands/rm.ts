import { OnggiError } from '../../errors.ts';
import { defineCommand, toggle } from '../definition.ts';
import { forEachRef } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  positionals: { min: 1, max: null },
  completes: 'containers',
  flags: {
    force: toggle('Kill containers that run', { short: 'f' }),
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

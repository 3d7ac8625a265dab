import { OnggiError } from '../../errors.ts';
import { defineCommand, toggle } from '../definition.ts';
import { forEachRef } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  positionals: { min: 1, max: null },
  completes: 'containers',
  latest: 'all',
  everything: ['initialized', 'created', 'running', 'paused', 'exited', 'restarting'],
  flags: {
    all: toggle('Remove all; those that run only with --force', { short: 'a' }),
    force: toggle('Kill containers that run', { short: 'f' }),
    // Without a letter: that is Docker's for --link.
    latest: toggle('Remove the container that was created last'),
    link: toggle('Remove a link, named CONTAINER/ALIAS, instead of a container', { short: 'l' }),
    volumes: toggle('Remove anonymous volumes with the container', { short: 'v' }),
  },
  async run({ flags: { force, link, volumes }, args, context }) {
    const engine = await context.engine();
    if (link) return await forEachRef(args, context, (path) => engine.containers.unlink(path));
    return await forEachRef(args, context, (ref) => engine.containers.remove(ref, { force, volumes }), {
      // As in Docker: with --force it is enough that the container is gone.
      forgive: (error) => force && error instanceof OnggiError && error.code === 'not-found',
    });
  },
});

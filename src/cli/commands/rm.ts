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
    depend: toggle('Remove the containers that require it, too'),
    force: toggle('Kill containers that run', { short: 'f' }),
    // Without a letter: that is Docker's for --link.
    latest: toggle('Remove the container that was created last'),
    link: toggle('Remove a link, named CONTAINER/ALIAS, instead of a container', { short: 'l' }),
    volumes: toggle('Remove anonymous volumes with the container', { short: 'v' }),
  },
  async run({ flags: { depend, force, link, volumes }, args, context }) {
    const engine = await context.engine();
    if (link) return await forEachRef(args, context, (path) => engine.containers.unlink(path));
    const removeOne = inTurn((ref) => engine.containers.remove(ref, { force, volumes, depend }));
    return await forEachRef(args, context, removeOne, {
      print: (ref, dependents) => [...dependents, ref].map((name) => `${name}\n`).join(''),
      // As in Docker: with --force it is enough that the container is gone.
      forgive: (error) => force && error instanceof OnggiError && error.code === 'not-found',
    });
  },
});

/** They go side by side; one that can't go waits for those before it, which may be what requires it, and tries again. */
function inTurn<T>(remove: (ref: string) => Promise<T>): (ref: string) => Promise<T> {
  const earlier: Promise<unknown>[] = [];
  const inItsTurn = async (ref: string, before: readonly Promise<unknown>[]) => {
    try {
      return await remove(ref);
    } catch (error) {
      if (before.length === 0 || !(error instanceof OnggiError) || error.code !== 'conflict') throw error;
      await Promise.allSettled(before);
      return await remove(ref);
    }
  };
  return (ref) => {
    const work = inItsTurn(ref, [...earlier]);
    earlier.push(work);
    return work;
  };
}

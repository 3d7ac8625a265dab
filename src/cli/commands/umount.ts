import { OnggiError } from '../../errors.ts';
import { defineCommand, toggle } from '../definition.ts';
import { forEachRef } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  positionals: { min: 0, max: null },
  completes: 'containers',
  latest: 'all',
  flags: {
    all: toggle('Unmount all containers that are mounted', { short: 'a' }),
    force: toggle('Unmount also while somebody uses it', { short: 'f' }),
    latest: toggle('Unmount the container that was created last', { short: 'l' }),
  },
  async run({ flags: { all, force }, args, context }) {
    if (all === args.length > 0) {
      throw new OnggiError(
        'invalid',
        all ? '--all and containers cannot be used together' : 'name a container, or use --all',
      );
    }
    const engine = await context.engine();
    const refs = all ? (await engine.containers.mounted()).map(({ id }) => id) : args;
    return await forEachRef(refs, context, (ref) => engine.containers.unmount(ref, { force }));
  },
});

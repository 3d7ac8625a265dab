import { OnggiError } from '../../errors.ts';
import { asIs, defineCommand, single, toggle } from '../definition.ts';
import { limitFlags, limitsOf } from '../run-flags/limits.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [NAME [IMAGE]]',
  tellsOfCommand: true,
  positionals: { min: 1, max: 3 },
  completes: 'containers',
  flags: {
    ...limitFlags,
    destroy: toggle('Remove the original first'),
    force: toggle('Remove the original even if it runs', { short: 'f' }),
    name: single('string', asIs, 'Name of the new container'),
    run: toggle('Start it'),
  },
  examples: [{ line: 'container clone --run --memory 1g web web2', says: 'Another one with a limit of its own' }],
  async run({ flags, args: [ref = '', named, image], context }) {
    if (flags.force && !flags.destroy) throw new OnggiError('invalid', 'cannot set --force without --destroy');
    const name = flags.name ?? named;
    const engine = await context.engine();
    const { id } = await engine.containers.clone(ref, {
      resources: limitsOf(flags),
      destroy: flags.destroy,
      force: flags.force,
      ...(name !== undefined && name !== '' && { name }),
      ...(image !== undefined && { image }),
    });
    try {
      if (flags.run) await engine.containers.start(id);
    } finally {
      context.stdout.print(`${id}\n`);
    }
    return 0;
  },
});

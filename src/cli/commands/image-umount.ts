import { OnggiError } from '../../errors.ts';
import { defineCommand, toggle } from '../definition.ts';
import { forEachRef } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  positionals: { min: 0, max: null },
  completes: 'images',
  flags: {
    all: toggle('Unmount all images that are mounted', { short: 'a' }),
    force: toggle('Unmount also while somebody uses it', { short: 'f' }),
  },
  async run({ flags: { all, force }, args, context }) {
    if (all === args.length > 0) {
      throw new OnggiError('invalid', all ? '--all and images cannot be used together' : 'name an image, or use --all');
    }
    const engine = await context.engine();
    const refs = all ? (await engine.images.mounted()).map(({ id }) => id) : args;
    return await forEachRef(refs, context, (ref) => engine.images.unmount(ref, { force }), {
      print: (_, id) => `${id.slice(7)}\n`,
    });
  },
});

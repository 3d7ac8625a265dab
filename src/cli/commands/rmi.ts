import { defineCommand, toggle } from '../definition.ts';
import { forEachRef } from '../each.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  positionals: { min: 1, max: null },
  completes: 'images',
  flags: { force: toggle('Remove the image even if containers were made of it', { short: 'f' }) },
  refused: { values: ['platform'], switches: ['no-prune'] },
  async run({ flags: { force }, args, context }) {
    const engine = await context.engine();
    return await forEachRef(args, context, (ref) => engine.images.remove(ref, { force }), {
      print: (_, { untagged, deleted }) =>
        [...untagged.map((name) => `Untagged: ${name}\n`), ...deleted.map((id) => `Deleted: ${id}\n`)].join(''),
    });
  },
});

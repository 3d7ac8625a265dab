import { OnggiError } from '../../errors.ts';
import { defineCommand, single, toggle } from '../definition.ts';
import { forEachRef } from '../each.ts';
import { parsedPlatform } from '../value/platform.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  positionals: { min: 1, max: null },
  completes: 'images',
  flags: {
    force: toggle('Remove the image even if containers were made of it', { short: 'f' }),
    'no-prune': toggle('Keep untagged parents: images have none here, so they are always kept'),
    platform: single('string', parsedPlatform, 'Only if the image is for this platform (linux/arm64)', {
      emptyIsAbsent: true,
    }),
  },
  async run({ flags: { force, platform }, args, context }) {
    const engine = await context.engine();
    const options = { force, ...(platform !== undefined && { platform }) };
    return await forEachRef(args, context, (ref) => engine.images.remove(ref, options), {
      // `images -q` has an image with several names several times.
      forgive: (error) => force && error instanceof OnggiError && error.code === 'not-found',
      print: (_, { untagged, deleted }) =>
        [...untagged.map((name) => `Untagged: ${name}\n`), ...deleted.map((id) => `Deleted: ${id}\n`)].join(''),
    });
  },
});

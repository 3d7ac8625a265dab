import { OnggiError } from '../../errors.ts';
import { canonicalName, parseReference } from '../../oci/reference.ts';
import { defineCommand, single, toggle } from '../definition.ts';
import { fullName, pullFirst, pullImage } from '../pull.ts';
import { parsedPlatform } from '../value/platform.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NAME[:TAG|@DIGEST]',
  positionals: { min: 1, max: 1 },
  flags: {
    'all-platforms': toggle('Pull the images of all platforms, others than this one by digest'),
    'all-tags': toggle('Pull every tag of the repository', { short: 'a' }),
    platform: single('string', parsedPlatform, 'Platform of an image that has several (linux/arm64)', {
      emptyIsAbsent: true,
    }),
    quiet: toggle('Print nothing but the name of the image', { short: 'q' }),
  },
  refused: { switches: ['disable-content-trust'], harmless: { 'disable-content-trust': ['true', '1'] } },
  async run({ flags, args: [name = ''], context }) {
    const { platform, quiet } = flags;
    const options = { platform, quiet, allPlatforms: flags['all-platforms'] };
    const reference = parseReference(name);
    if (flags['all-tags']) {
      if (reference.digest !== null || /:[^/]+$/.test(name)) {
        throw new OnggiError('invalid', "tag can't be used with --all-tags/-a");
      }
      const engine = await context.engine();
      for (const tag of await engine.registries.tags(name)) {
        await pullImage(canonicalName({ ...reference, tag }), context, context.stdout, options);
      }
      context.stdout.print(`${reference.registry}/${reference.repository}\n`);
      return 0;
    }
    const { tag } = reference;
    if (!quiet && tag === 'latest' && !name.endsWith(':latest')) context.stdout.print('Using default tag: latest\n');
    const pulled = await pullFirst(name, context, context.stdout, options);
    context.stdout.print(`${fullName(pulled)}\n`);
    return 0;
  },
});

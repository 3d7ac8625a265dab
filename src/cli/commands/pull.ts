import { parseReference } from '../../oci/reference.ts';
import { asIs, defineCommand, single, toggle } from '../definition.ts';
import { fullName, pullImage } from '../pull.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NAME[:TAG|@DIGEST]',
  positionals: { min: 1, max: 1 },
  flags: {
    platform: single('string', asIs, 'Platform of an image that has several (linux/arm64)'),
    quiet: toggle('Print nothing but the name of the image', { short: 'q' }),
  },
  refused: {
    switches: ['all-tags', 'disable-content-trust'],
    shorts: { a: 'all-tags' },
    harmless: { 'disable-content-trust': ['true', '1'] },
  },
  async run({ flags: { platform, quiet }, args: [name = ''], context }) {
    const { tag } = parseReference(name);
    if (!quiet && tag === 'latest' && !name.endsWith(':latest')) context.stdout.print('Using default tag: latest\n');
    await pullImage(name, context, context.stdout, { platform, quiet });
    context.stdout.print(`${fullName(name)}\n`);
    return 0;
  },
});

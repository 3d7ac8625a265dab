import { asIs, defineCommand, list, single } from '../definition.ts';

export const command = defineCommand({
  usage: '[OPTIONS] MANIFEST_LIST MANIFEST',
  positionals: { min: 2, max: 2 },
  flags: {
    arch: single('string', asIs, 'Set architecture'),
    os: single('string', asIs, 'Set operating system'),
    'os-features': list('strings', (text) => text.split(','), 'Set operating system feature'),
    'os-version': single('string', asIs, 'Set operating system version'),
    variant: single('string', asIs, 'Set architecture variant'),
  },
  async run({ flags, args: [name = '', image = ''], context }) {
    const engine = await context.engine();
    const { arch, os, variant } = flags;
    const version = flags['os-version'];
    const features = flags['os-features'].flat();
    await engine.manifestLists.annotate(name, image, {
      ...(arch !== undefined && { architecture: arch }),
      ...(os !== undefined && { os }),
      ...(variant !== undefined && { variant }),
      ...(version !== undefined && { osVersion: version }),
      ...(features.length > 0 && { osFeatures: features }),
    });
    return 0;
  },
});

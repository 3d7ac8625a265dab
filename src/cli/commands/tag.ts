import { defineCommand } from '../definition.ts';

export const command = defineCommand({
  usage: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
  positionals: { min: 2, max: 2 },
  completes: 'images',
  flags: {},
  async run({ args: [source = '', target = ''], context }) {
    const engine = await context.engine();
    await engine.images.tag(source, target);
    return 0;
  },
});

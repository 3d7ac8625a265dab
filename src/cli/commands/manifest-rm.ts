import { defineCommand } from '../definition.ts';
import { forEachRef } from '../each.ts';

export const command = defineCommand({
  usage: 'MANIFEST_LIST [MANIFEST_LIST...]',
  positionals: { min: 1, max: null },
  flags: {},
  async run({ args, context }) {
    const engine = await context.engine();
    return await forEachRef(args, context, (list) => engine.manifestLists.remove(list), { print: () => '' });
  },
});

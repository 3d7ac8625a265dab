import { defineCommand } from '../definition.ts';
import { forEachRef } from '../each.ts';

export const command = defineCommand({
  usage: 'CONTAINER [CONTAINER...]',
  positionals: { min: 1, max: null },
  completes: 'containers',
  flags: {},
  async run({ args, context }) {
    const engine = await context.engine();
    return await forEachRef(args, context, (ref) => engine.containers.wait(ref), {
      print: (_, status) => `${status}\n`,
    });
  },
});

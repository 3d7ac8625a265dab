import { defineCommand } from '../definition.ts';

export const command = defineCommand({
  usage: 'CONTAINER NEW_NAME',
  positionals: { min: 2, max: 2 },
  completes: 'containers',
  flags: {},
  async run({ args: [ref = '', name = ''], context }) {
    const engine = await context.engine();
    await engine.containers.rename(ref, name);
    return 0;
  },
});

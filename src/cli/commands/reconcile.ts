import { defineCommand } from '../definition.ts';

/** Internal: what the shim runs when a container has ended. */
export const command = defineCommand({
  usage: '[ID]',
  positionals: { min: 0, max: 1 },
  flags: {},
  async run({ args: [id], context }) {
    const engine = await context.engine();
    await engine.reconcile(id);
    return 0;
  },
});

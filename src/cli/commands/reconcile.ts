import { defineCommand } from '../definition.ts';

/** Internal: what the shim runs when a container has ended, or when an unhealthy one is to. */
export const command = defineCommand({
  usage: '[ID [stop|restart]]',
  positionals: { min: 0, max: 2 },
  flags: {},
  async run({ args: [id, action], context }) {
    const engine = await context.engine();
    if (id !== undefined && action === 'stop') await engine.containers.stop(id);
    else if (id !== undefined && action === 'restart') await engine.containers.restart(id);
    else await engine.reconcile(id);
    return 0;
  },
});

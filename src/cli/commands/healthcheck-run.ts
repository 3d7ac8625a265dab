import { defineCommand } from '../definition.ts';

export const command = defineCommand({
  usage: 'CONTAINER',
  positionals: { min: 1, max: 1 },
  completes: 'running',
  flags: {},
  // As with Podman: 1 says that the check failed, so what kept it from being made says 125.
  failure: 125,
  async run({ args: [ref = ''], context }) {
    const engine = await context.engine();
    const { status, exitCode } = await engine.containers.checkHealth(ref);
    if (exitCode === 0) return 0;
    context.stdout.print(`${status}\n`);
    return 1;
  },
});

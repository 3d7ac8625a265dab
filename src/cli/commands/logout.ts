import { defineCommand } from '../definition.ts';

export const command = defineCommand({
  usage: '[SERVER]',
  positionals: { min: 0, max: 1 },
  flags: {},
  async run({ args: [server = ''], context }) {
    const engine = await context.engine();
    const name = server === '' ? 'docker.io' : server;
    context.stdout.print(`Removing login credentials for ${name}\n`);
    await engine.registries.logout(server);
    return 0;
  },
});

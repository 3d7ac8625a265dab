import { defineCommand } from '../definition.ts';

export const command = defineCommand({
  usage: '[SERVER]',
  positionals: { min: 0, max: 1 },
  flags: {},
  async run({ args: [server = ''], context }) {
    const engine = await context.engine();
    const name = server === '' ? 'docker.io' : server;
    const had = await engine.registries.logout(server);
    context.stdout.print(had ? `Removing login credentials for ${name}\n` : `Not logged in to ${name}\n`);
    return 0;
  },
});

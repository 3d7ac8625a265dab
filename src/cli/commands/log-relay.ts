import { defineCommand } from '../definition.ts';

/** Internal: what the shim runs to send a log to a server with TLS. */
export const command = defineCommand({
  usage: 'QUESTION',
  positionals: { min: 1, max: 1 },
  flags: {},
  async run({ args: [question = ''] }) {
    const { runLogRelay } = await import('../../engine/log/relay.ts');
    return await runLogRelay(question);
  },
});

import { defineCommand } from '../definition.ts';

/** Internal: what the engine runs for files of a user namespace. It opens no store. */
export const command = defineCommand({
  usage: 'QUESTION',
  positionals: { min: 1, max: 1 },
  flags: {},
  async run({ args: [question = ''] }) {
    const { runCopyHelper } = await import('../../engine/copy/helper-end.ts');
    return await runCopyHelper(question);
  },
});

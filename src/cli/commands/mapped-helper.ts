import { defineCommand } from '../definition.ts';

/** Internal: what the engine runs for files of an ordinary user's other ids. */
export const command = defineCommand({
  usage: 'QUESTION',
  positionals: { min: 1, max: 1 },
  flags: {},
  async run({ args: [question = ''] }) {
    const { runMappedHelper } = await import('../../engine/mapped/answer.ts');
    return runMappedHelper(question);
  },
});

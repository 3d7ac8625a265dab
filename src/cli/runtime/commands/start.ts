import { startContainer } from '../../../bundle/create.ts';
import { defineRuntimeCommand } from '../definition.ts';

export const command = defineRuntimeCommand({
  usage: '<container-id>',
  positionals: { min: 1, max: 1 },
  description: 'Executes the command of a created container.',
  flags: {},
  async run({ args: [id = ''], context }) {
    await startContainer(context.runtime, id, context.env);
    return 0;
  },
});

import { pauseContainer } from '../../../bundle/pause.ts';
import { defineRuntimeCommand } from '../definition.ts';

export const command = defineRuntimeCommand({
  usage: '<container-id>',
  positionals: { min: 1, max: 1 },
  flags: {},
  async run({ args: [id = ''], context }) {
    await pauseContainer(context.runtime, id);
    return 0;
  },
});

import { containerState } from '../../../bundle/list.ts';
import { defineRuntimeCommand } from '../definition.ts';

export const command = defineRuntimeCommand({
  usage: '<container-id>',
  positionals: { min: 1, max: 1 },
  description: 'Outputs the state of a container as JSON.',
  flags: {},
  run({ args: [id = ''], context }) {
    context.print(`${JSON.stringify(containerState(context.runtime, id), null, 2)}\n`);
    return 0;
  },
});

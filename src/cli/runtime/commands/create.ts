import { createContainer } from '../../../bundle/create.ts';
import { defineRuntimeCommand } from '../definition.ts';
import { makeFlags, makeOptions } from '../make-flags.ts';

export const command = defineRuntimeCommand({
  usage: '[command options] <container-id>',
  positionals: { min: 1, max: 1 },
  failing: 'create failed',
  description: `Creates an instance of a container for a bundle: a directory with a specification
file named "config.json" and a root filesystem. The container ID must be unique
below the root. "start" executes the command that config.json names.`,
  flags: makeFlags,
  async run({ flags, args: [id = ''], context }) {
    await createContainer(context.runtime, id, makeOptions(flags, context.env));
    return 0;
  },
});

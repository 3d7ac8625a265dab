import { killContainer } from '../../../bundle/kill.ts';
import { toggle } from '../../definition.ts';
import { defineRuntimeCommand } from '../definition.ts';

export const command = defineRuntimeCommand({
  usage: '[command options] <container-id> [signal]',
  positionals: { min: 1, max: 2 },
  description: `Sends a signal, by name or number, to the container's init process. A container
that has ended is an error, except with --all.`,
  flags: { all: toggle('send the specified signal to all processes inside the container', { short: 'a' }) },
  async run({ flags, args: [id = '', signal = ''], context }) {
    await killContainer(context.runtime, id, signal || 'SIGTERM', flags.all);
    return 0;
  },
});

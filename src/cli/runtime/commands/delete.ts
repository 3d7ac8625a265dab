import { deleteContainer } from '../../../bundle/delete.ts';
import { toggle } from '../../definition.ts';
import { defineRuntimeCommand } from '../definition.ts';

export const command = defineRuntimeCommand({
  usage: '[command options] <container-id>',
  positionals: { min: 1, max: 1 },
  description: `Deletes what a container holds that has ended or was never started: its cgroups
and its state. Its poststop hooks run then.`,
  flags: {
    force: toggle('delete the container even if it runs (with SIGKILL), and one that is not there without an error', {
      short: 'f',
    }),
  },
  async run({ flags, args: [id = ''], context }) {
    await deleteContainer(context.runtime, id, flags.force);
    return 0;
  },
});

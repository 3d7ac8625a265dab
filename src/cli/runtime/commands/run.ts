import { makeForeground, runDetached } from '../../../bundle/create.ts';
import { toggle } from '../../definition.ts';
import { proxied, signalNumber } from '../../signals.ts';
import { defineRuntimeCommand } from '../definition.ts';
import { statusOfExit } from '../exit-status.ts';
import { makeFlags, makeOptions } from '../make-flags.ts';

export const command = defineRuntimeCommand({
  usage: '[command options] <container-id>',
  positionals: { min: 1, max: 1 },
  failing: 'run failed',
  description: `Creates an instance of a container for a bundle and starts it. In the foreground
it waits for the end, deletes the container and ends with the status of its
command, or 128 and the number of the signal that killed it.`,
  flags: {
    ...makeFlags,
    detach: toggle("detach from the container's process", { short: 'd' }),
    keep: toggle('do not delete the container after it exits'),
    'no-subreaper': toggle('leave orphans of the container to another reaper, as is always done here'),
  },
  async run({ flags, args: [id = ''], context }) {
    const options = makeOptions(flags, context.env);
    if (flags.detach) {
      await runDetached(context.runtime, id, options);
      return 0;
    }
    const container = await makeForeground(context.runtime, id, options, flags.keep, proxied.map(signalNumber));
    await container.start();
    return statusOfExit(await container.ended());
  },
});

import { containerStats, followEvents } from '../../../bundle/events.ts';
import { single, toggle } from '../../definition.ts';
import { defineRuntimeCommand } from '../definition.ts';
import { parseGoDuration } from '../duration.ts';

export const command = defineRuntimeCommand({
  usage: '[command options] <container-id>',
  positionals: { min: 1, max: 1 },
  description: `Shows events of a container until it ends, one line of JSON each: what it uses, in
intervals, and that the kernel killed in it for lack of memory.`,
  flags: {
    interval: single('duration', parseGoDuration, 'set the stats collection interval', { shown: '5s' }),
    stats: toggle("display the container's stats then exit"),
  },
  async run({ flags, args: [id = ''], context }) {
    if (flags.stats) context.print(containerStats(context.runtime, id));
    else await followEvents(context.runtime, id, flags.interval ?? 5000, context.print);
    return 0;
  },
});

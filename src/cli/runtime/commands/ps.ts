import { containerProcesses } from '../../../bundle/list.ts';
import { showProcesses } from '../../../bundle/processes.ts';
import { single } from '../../definition.ts';
import { oneOf } from '../../value/number.ts';
import { defineRuntimeCommand } from '../definition.ts';

export const command = defineRuntimeCommand({
  usage: '[command options] <container-id> [ps options]',
  positionals: { min: 1, max: null },
  interspersed: false,
  description: `Shows the processes of a container: their numbers as JSON, or what ps(1) of this
machine says of them, with the given options (-ef if there are none).`,
  flags: {
    format: single('format', oneOf('format option', ['table', 'json']), 'select one of: table or json', {
      short: 'f',
      shown: '"table"',
    }),
  },
  run({ flags, args: [id = '', ...options], context }) {
    const pids = containerProcesses(context.runtime, id);
    if (flags.format === 'json') context.print(`${JSON.stringify(pids)}\n`);
    else context.print(showProcesses(pids, options));
    return 0;
  },
});

import { listStates } from '../../../bundle/list.ts';
import { single, toggle } from '../../definition.ts';
import { oneOf } from '../../value/number.ts';
import { table } from '../columns.ts';
import { defineRuntimeCommand } from '../definition.ts';

export const command = defineRuntimeCommand({
  usage: '[command options]',
  positionals: { min: 0, max: 0 },
  description: 'Lists the containers below the root that the global option --root names.',
  flags: {
    format: single('format', oneOf('format option', ['table', 'json']), 'select one of: table or json', {
      short: 'f',
      shown: '"table"',
    }),
    quiet: toggle('display only container IDs', { short: 'q' }),
  },
  run({ flags, context }) {
    const states = listStates(context.runtime);
    if (flags.quiet) context.print(states.map(({ id }) => `${id}\n`).join(''));
    // Go's nil list, as runc has it and callers may expect it.
    else if (flags.format === 'json') context.print(`${states.length === 0 ? 'null' : JSON.stringify(states)}\n`);
    else {
      const rows = states.map(({ id, pid, status, bundle, created, owner }) => {
        return [id, String(pid), status, bundle, created, owner];
      });
      context.print(table([['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'], ...rows]));
    }
    return 0;
  },
});

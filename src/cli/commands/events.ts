import { OnggiError } from '../../errors.ts';
import { asIs, defineCommand, list, single } from '../definition.ts';
import { compileEventFormat } from '../format/event-text.ts';
import { parseFilter } from '../format/filter.ts';
import { optionalInstant } from '../value/instant.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  positionals: { min: 0, max: 0 },
  flags: {
    filter: list('filter', parseFilter, 'Show only what matches, such as type=container, event=die or label=a=b', {
      short: 'f',
      emptyIsAbsent: true,
    }),
    format: single('string', asIs, "Print 'json', or a Go template for each event"),
    since: single('string', asIs, 'Begin with what has happened since: 2026-01-31T12:00:00Z, Unix seconds, or 42m'),
    until: single('string', asIs, 'End there; written as for --since'),
  },
  examples: [
    {
      line: 'events --since 1h --filter event=die',
      says: 'The containers that ended within the last hour, and those to come',
    },
    { line: "events --format '{{.Time}} {{.Action}} {{.Actor.Attributes.name}}'", says: 'In a format of your own' },
  ],
  async run({ flags, context }) {
    const print = compileEventFormat(flags.format);
    const since = optionalInstant(flags.since, context.now(), 'since');
    const until = optionalInstant(flags.until, context.now(), 'until');
    if (since !== undefined && until !== undefined && until < since) {
      const [from, to] = [flags.since, flags.until];
      throw new OnggiError('invalid', `\`since\` time (${from}) cannot be after \`until\` time (${to})`);
    }
    const engine = await context.engine();
    const query = {
      filters: flags.filter,
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
    };
    for await (const event of engine.events(query)) context.stdout.print(`${print(event)}\n`);
    return 0;
  },
});

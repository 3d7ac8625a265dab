import { asIs, defineCommand, list, single, toggle } from '../definition.ts';
import { containerListing, containerRow } from '../format/container-row.ts';
import { containerFilter, needsAll, parseFilter } from '../format/filter.ts';
import { compileListing } from '../format/listing.ts';
import { integer } from '../value/number.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  positionals: { min: 0, max: 0 },
  flags: {
    all: toggle('Show those that have ended or were never started, too', { short: 'a' }),
    filter: list('filter', parseFilter, 'Show only those that match, such as status=exited or label=a=b', {
      short: 'f',
    }),
    format: single('string', asIs, "Print 'table TEMPLATE', 'json', or a Go template for each container"),
    last: single('int', integer(-1), 'Show the last n created, whatever their state; -1 for all', { short: 'n' }),
    latest: toggle('Show the last created, whatever its state', { short: 'l' }),
    'no-trunc': toggle('Show IDs and commands in full'),
    quiet: toggle('Print only the IDs', { short: 'q' }),
  },
  refused: { switches: ['size'], shorts: { s: 'size' } },
  examples: [
    { line: "ps -a --filter status=exited --format '{{.Names}}: {{.Status}}'", says: 'How the ended containers ended' },
  ],
  async run({ flags, context }) {
    if (flags.quiet && flags.format !== undefined) {
      context.stderr.print('WARNING: Ignoring custom format, because both --format and --quiet are set.\n');
    }
    const format = compileListing(containerListing, flags.quiet ? '{{.ID}}' : flags.format);
    const limit = flags.latest ? 1 : (flags.last ?? -1);
    const engine = await context.engine();
    const containers = await engine.containers.list({ all: flags.all || limit > 0 || needsAll(flags.filter) });
    const shown = containers.filter(containerFilter(flags.filter, containers)).slice(0, limit > 0 ? limit : undefined);
    const options = { now: context.now(), truncate: !flags['no-trunc'] };
    context.stdout.print(format.print(shown.map((container) => containerRow(container, options))));
    return 0;
  },
});

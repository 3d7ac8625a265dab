import { asIs, defineCommand, list, single, toggle } from '../definition.ts';
import { containerFilter, needsAll } from '../format/container-filter.ts';
import { containerListing, containerRow, sizedListing } from '../format/container-row.ts';
import { parseFilter } from '../format/filter.ts';
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
    size: toggle('Show how much they take on the disk', { short: 's' }),
  },
  examples: [
    { line: "ps -a --filter status=exited --format '{{.Names}}: {{.Status}}'", says: 'How the ended containers ended' },
  ],
  async run({ flags, context }) {
    if (flags.quiet && flags.format !== undefined) {
      context.stderr.print('WARNING: Ignoring custom format, because both --format and --quiet are set.\n');
    }
    const listing = flags.size ? sizedListing : containerListing;
    const format = compileListing(listing, flags.quiet ? '{{.ID}}' : flags.format);
    const size = !flags.quiet && (flags.size || flags.format?.includes('.Size') === true);
    const limit = flags.latest ? 1 : (flags.last ?? -1);
    const engine = await context.engine();
    const containers = await engine.containers.list({ all: flags.all || limit > 0 || needsAll(flags.filter), size });
    const shown = containers.filter(containerFilter(flags.filter, containers)).slice(0, limit > 0 ? limit : undefined);
    const options = { now: context.now(), truncate: !flags['no-trunc'] };
    context.stdout.print(format.print(shown.map((container) => containerRow(container, options))));
    return 0;
  },
});

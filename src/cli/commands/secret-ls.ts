import { asIs, defineCommand, list, single, toggle } from '../definition.ts';
import { parseFilter } from '../format/filter.ts';
import { compileListing } from '../format/listing.ts';
import { secretFilter, secretListing, secretRow } from '../format/secret-row.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  positionals: { min: 0, max: 0 },
  flags: {
    filter: list('filter', parseFilter, 'Show only those that match, such as name=db', {
      short: 'f',
      emptyIsAbsent: true,
    }),
    format: single('string', asIs, "Print 'table TEMPLATE', 'json', or a Go template for each secret"),
    noheading: toggle('Print no headings', { short: 'n' }),
    quiet: toggle('Print only the IDs', { short: 'q' }),
  },
  async run({ flags, context }) {
    const table = flags.noheading && flags.format === undefined;
    const chosen = table ? secretListing.table : flags.format;
    const format = compileListing(secretListing, flags.quiet ? '{{.ID}}' : chosen);
    const matches = secretFilter(flags.filter);
    const engine = await context.engine();
    const now = context.now();
    const secrets = (await engine.secrets.list()).filter(matches);
    context.stdout.print(format.print(secrets.map((secret) => secretRow(secret, now))));
    return 0;
  },
});

import { asIs, defineCommand, list, single, toggle } from '../definition.ts';
import { parseFilter } from '../format/filter.ts';
import { compileListing } from '../format/listing.ts';
import { volumeFilter, volumeListing, volumeRow } from '../format/volume-row.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  positionals: { min: 0, max: 0 },
  flags: {
    filter: list('filter', parseFilter, 'Show only those that match, such as dangling=true or label=a=b', {
      short: 'f',
      emptyIsAbsent: true,
    }),
    format: single('string', asIs, "Print 'table TEMPLATE', 'json', or a Go template for each volume"),
    quiet: toggle('Print only the names', { short: 'q' }),
  },
  refused: { switches: ['cluster'] },
  async run({ flags, context }) {
    const format = compileListing(volumeListing, flags.quiet ? '{{.Name}}' : flags.format);
    const matches = volumeFilter(flags.filter, ['dangling', 'driver', 'label', 'name']);
    const engine = await context.engine();
    const volumes = (await engine.volumes.list()).filter(matches);
    context.stdout.print(format.print(volumes.map(volumeRow)));
    return 0;
  },
});

import type { SystemUsage } from '../../engine/index.ts';
import { asIs, defineCommand, single, toggle } from '../definition.ts';
import { humanSize } from '../format/human-size.ts';
import { compileListing, type Listing, type Row } from '../format/listing.ts';
import { compileRecord } from '../format/record.ts';
import {
  containerUsageListing,
  containerUsageRow,
  imageUsageListing,
  imageUsageRow,
  usageListing,
  usageRecord,
  usageRows,
  volumeUsageListing,
  volumeUsageRow,
} from '../format/usage-row.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  positionals: { min: 0, max: 0 },
  flags: {
    format: single('string', asIs, "Print 'table TEMPLATE', 'json', or a Go template for each kind of object"),
    verbose: toggle('Show each image, container and volume', { short: 'v' }),
  },
  async run({ flags: { format, verbose }, context }) {
    const chosen = format === '' || format === 'table' ? undefined : format;
    const detailed = verbose && chosen !== undefined ? compileRecord(chosen) : undefined;
    const listing = compileListing(usageListing, verbose ? undefined : format);
    const engine = await context.engine();
    const usage = await engine.system.usage();
    if (detailed !== undefined) {
      context.stdout.print(`${detailed(usageRecord(usage, context.now()))}\n`);
      return 0;
    }
    context.stdout.print(verbose ? details(usage, context.now()) : listing.print(usageRows(usage)));
    return 0;
  },
});

function registryDetails({ manifests, tagged, size, reclaimable }: SystemUsage['registry']): string {
  const sizes = `${humanSize(size, 4)}, of which ${humanSize(reclaimable, 4)} have no tag`;
  return `Registry space usage:\n\n${manifests} manifests, ${tagged} of them tagged: ${sizes}\n\n`;
}

function details({ images, containers, volumes, registry }: SystemUsage, now: number): string {
  const part = (title: string, listing: Listing, rows: readonly Row[]) =>
    `${title} space usage:\n\n${compileListing(listing, undefined).print(rows)}\n`;
  return [
    part(
      'Images',
      imageUsageListing,
      images.map((each) => imageUsageRow(each, now)),
    ),
    part(
      'Containers',
      containerUsageListing,
      containers.map((each) => containerUsageRow(each, now)),
    ),
    part('Local Volumes', volumeUsageListing, volumes.map(volumeUsageRow)),
    ...(registry.manifests > 0 || registry.size > 0 ? [registryDetails(registry)] : []),
    'Build cache usage: 0B\n\nCACHE ID   CACHE TYPE   SIZE      CREATED   LAST USED   USAGE     SHARED\n',
  ].join('');
}

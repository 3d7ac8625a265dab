import { asIs, defineCommand, single, toggle } from '../definition.ts';
import { historyListing, historyRow } from '../format/history-row.ts';
import { compileListing } from '../format/listing.ts';
import { parsedPlatform } from '../value/platform.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE',
  positionals: { min: 1, max: 1 },
  completes: 'images',
  flags: {
    format: single('string', asIs, "Print 'table TEMPLATE', 'json', or a Go template for each step"),
    human: toggle('Print sizes and dates for people', { short: 'H', initial: true }),
    'no-trunc': toggle('Show everything in full'),
    platform: single('string', parsedPlatform, 'Only if the image is for this platform (linux/arm64)', {
      emptyIsAbsent: true,
    }),
    quiet: toggle('Print only the IDs', { short: 'q' }),
  },
  async run({ flags, args: [ref = ''], context }) {
    const format = compileListing(historyListing(flags.human), flags.quiet ? '{{.ID}}' : flags.format);
    const engine = await context.engine();
    const steps = await engine.images.history(ref, flags.platform);
    const options = { now: context.now(), truncate: !flags['no-trunc'], human: flags.human };
    context.stdout.print(format.print(steps.map((step) => historyRow(step, options))));
    return 0;
  },
});

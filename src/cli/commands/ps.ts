import type { ContainerSummary } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import type { EngineFace } from '../context.ts';
import { asIs, defineCommand, list, single, toggle } from '../definition.ts';
import { containerFilter, type Layers, namesOthers, showsAll } from '../format/container-filter.ts';
import {
  containerColumn,
  containerListing,
  containerRow,
  containerTable,
  isUp,
  sizedListing,
} from '../format/container-row.ts';
import { type Filter, parseFilter } from '../format/filter.ts';
import { compileListing } from '../format/listing.ts';
import { integer } from '../value/number.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  positionals: { min: 0, max: 0 },
  flags: {
    all: toggle('Show those that have ended or were never started, too', { short: 'a' }),
    filter: list('filter', parseFilter, 'Show only those that match, such as status=exited or label=a=b', {
      short: 'f',
      emptyIsAbsent: true,
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
    const size = !flags.quiet && (flags.size || (flags.format !== 'json' && format.mentions('.Size')));
    // As with Docker, a number that is told counts.
    const limit = flags.latest && (flags.last ?? -1) === -1 ? 1 : (flags.last ?? -1);
    const all = flags.all || limit > 0 || showsAll(flags.filter);
    const isTable = !flags.quiet && (flags.format ?? 'table') === 'table';
    const engine = await context.engine();
    const usual = isTable && !all && !flags.size && !flags['no-trunc'] && flags.filter.length === 0 && limit === -1;
    const table = usual ? await engine.containers.table(containerTable(context.now())) : undefined;
    if (table !== undefined) {
      context.stdout.print(table);
      return 0;
    }
    const containers = await engine.containers.list({ all: all || namesOthers(flags.filter), size });
    const asked = all ? containers : containers.filter((each) => isUp(each) || each.status === 'restarting');
    const shown = flags.filter.length === 0 ? asked : asked.filter(await matching(engine, flags.filter, containers));
    const options = { now: context.now(), truncate: !flags['no-trunc'] };
    const first = limit > 0 ? shown.slice(0, limit) : shown;
    context.stdout.print(
      format.printEach(first, {
        column: (field) => containerColumn(field, options),
        row: (container) => containerRow(container, options),
      }),
    );
    return 0;
  },
});

async function matching(
  engine: EngineFace,
  filters: readonly Filter[],
  containers: readonly ContainerSummary[],
): Promise<(container: ContainerSummary) => boolean> {
  return containerFilter(filters, containers, await layersOf(engine, filters, containers));
}

/** Of the images that `ancestor` names and of those of the containers; empty when nobody asks. */
async function layersOf(
  { images }: EngineFace,
  filters: readonly Filter[],
  containers: readonly ContainerSummary[],
): Promise<Layers> {
  const wanted = filters.filter(({ key }) => key === 'ancestor').map(({ value }) => value);
  const refs = wanted.length === 0 ? [] : [...wanted, ...new Set(containers.flatMap(({ imageId }) => imageId ?? []))];
  const found = await Promise.all(refs.map(async (ref) => [ref, await layersOfImage(images, ref)] as const));
  return new Map(found);
}

/** None of an image that there is not (any more). */
async function layersOfImage(images: EngineFace['images'], ref: string): Promise<readonly string[]> {
  try {
    const { RootFS } = await images.inspect(ref);
    return (RootFS as { readonly Layers?: readonly string[] }).Layers ?? [];
  } catch (error) {
    if (error instanceof OnggiError) return [];
    throw error;
  }
}

import type { ImageSummary } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import type { EngineFace } from '../context.ts';
import { asIs, defineCommand, list, single, toggle } from '../definition.ts';
import { alignColumns } from '../format/columns.ts';
import { imageFilter, type LabelledImage, parseFilter } from '../format/filter.ts';
import { humanSize } from '../format/human-size.ts';
import { digestRaw, digestTable, imageListing, imageRow, shortId, splitName } from '../format/image-row.ts';
import { compileListing, type Row } from '../format/listing.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [REPOSITORY[:TAG]]',
  positionals: { min: 0, max: 1 },
  flags: {
    all: toggle('Show every image; there are no hidden ones', { short: 'a' }),
    digests: toggle('Show the digests that registries know the images by'),
    filter: list('filter', parseFilter, 'Show only those that match, such as dangling=true or reference=app/*', {
      short: 'f',
      emptyIsAbsent: true,
    }),
    format: single('string', asIs, "Print 'table TEMPLATE', 'json', or a Go template for each image"),
    'no-trunc': toggle('Show IDs in full'),
    quiet: toggle('Print only the IDs', { short: 'q' }),
    tree: toggle('Show the platform and the size of the content of each'),
  },
  async run({ flags, args: [pattern], context }) {
    if (flags.tree) checkTree(flags);
    const table = flags.digests ? { ...imageListing, table: digestTable, raw: digestRaw } : imageListing;
    const format = compileListing(table, flags.quiet ? '{{.ID}}' : flags.format);
    const filters = [...flags.filter, ...(pattern === undefined ? [] : [{ key: 'reference', value: pattern }])];
    const engine = await context.engine();
    const images = await engine.images.list();
    const wantsLabels = filters.some(({ key }) => key === 'label');
    const labelled = await Promise.all(
      images.map(async (image) => ({ image, labels: wantsLabels ? await labelsOf(image, engine) : {} })),
    );
    const shown = labelled.filter(imageFilter(filters, labelled, context.now()));
    if (flags.tree) {
      context.stdout.print(await imageTree(shown, engine));
      return 0;
    }
    const options: RowsOptions = {
      now: context.now(),
      truncate: !flags['no-trunc'],
      references: filters.filter(({ key }) => key === 'reference'),
    };
    const rows = shown.flatMap((each) => rowsOf(each, options));
    context.stdout.print(format.print(rows));
    return 0;
  },
});

type RowsOptions = {
  readonly now: number;
  readonly truncate: boolean;
  readonly references: readonly { readonly key: string; readonly value: string }[];
};

/** A row for each name that was asked for; an image without a name has one row. */
function rowsOf({ image, labels }: LabelledImage, options: RowsOptions): Row[] {
  const names = image.names.filter((name) => {
    return (
      options.references.length === 0 ||
      imageFilter(options.references, [], options.now)({ image: { ...image, names: [name] }, labels })
    );
  });
  const columns = names.filter((name) => !isShadowed(name, names)).map(splitName);
  const rows = columns.map((name) => {
    const digest = image.digests.find((each) => each.startsWith(`${name.repository}@`));
    return imageRow(image, name, digest?.slice(name.repository.length + 1), options);
  });
  return rows.length > 0 ? rows : [imageRow(image, undefined, undefined, options)];
}

/** A name by digest says nothing that a tag of the same repository doesn't say; Docker shows it only alone. */
function isShadowed(name: string, names: readonly string[]): boolean {
  const [repository = '', digest] = name.split('@');
  return (
    digest !== undefined && names.some((other) => !other.includes('@') && splitName(other).repository === repository)
  );
}

async function labelsOf(image: ImageSummary, engine: EngineFace): Promise<Readonly<Record<string, string>>> {
  const { Config: config } = await inspected(image, engine);
  const labels: unknown = typeof config === 'object' && config !== null ? Reflect.get(config, 'Labels') : undefined;
  const entries = typeof labels === 'object' && labels !== null ? Object.entries(labels) : [];
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

/** An image that somebody removes meanwhile is listed without what can't be known any more. */
async function inspected(image: ImageSummary, engine: EngineFace): Promise<Record<string, unknown>> {
  try {
    return await engine.images.inspect(image.id);
  } catch (error) {
    if (error instanceof OnggiError && error.code === 'not-found') return {};
    throw error;
  }
}

/** As Docker has it: the tree is a picture, not a list. */
function checkTree(flags: { readonly [name: string]: unknown }): void {
  for (const name of ['quiet', 'no-trunc', 'digests', 'format']) {
    if (flags[name] === undefined || flags[name] === false) continue;
    throw new OnggiError('invalid', `--${name} is not yet supported with --tree`);
  }
}

async function imageTree(shown: readonly LabelledImage[], engine: EngineFace): Promise<string> {
  const rows = [['IMAGE', 'ID', 'DISK USAGE', 'CONTENT SIZE', 'IN USE']];
  for (const { image } of shown) {
    const { platform, contentSize } = await engine.images.content(image.id);
    const sizes = [humanSize(image.size + contentSize, 3), humanSize(contentSize, 3), image.containers > 0 ? '✔' : ''];
    const names = image.names.length === 0 ? ['<untagged>'] : image.names;
    for (const name of names) rows.push([name, shortId(image.id), ...sizes]);
    rows.push([`└─ ${platform}`, shortId(image.id), ...sizes]);
  }
  return alignColumns(rows);
}

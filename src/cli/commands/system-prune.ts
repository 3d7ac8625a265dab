import { OnggiError } from '../../errors.ts';
import { confirmed } from '../confirm.ts';
import { defineCommand, list, toggle } from '../definition.ts';
import { parsePruneFilter, pruneSelection } from '../format/prune-filter.ts';
import { deletedImages, deletedList, reclaimedSpace } from '../format/prune-result.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  positionals: { min: 0, max: 0 },
  flags: {
    all: toggle('Remove every image that no container was made of, not just those without a name', { short: 'a' }),
    filter: list('filter', parsePruneFilter, 'Only those that match, such as until=24h or label!=keep', {
      emptyIsAbsent: true,
    }),
    force: toggle("Don't ask", { short: 'f' }),
    volumes: toggle('Remove anonymous volumes, too'),
  },
  async run({ flags: { all, filter, force, volumes }, context }) {
    const { before, labels } = pruneSelection(filter, context.now());
    // Volumes have no time that would count.
    if (volumes && before !== undefined) {
      throw new OnggiError('invalid', 'ERROR: The "until" filter is not supported with "--volumes"', {
        hint: 'Leave one of the two out; "onggi volume prune" is for volumes alone.',
      });
    }
    const filters = filter.map(({ key, value }) => `${key}=${value}`);
    if (!force && !(await confirmed(warning({ all, volumes, filters }), context))) return 0;
    const engine = await context.engine();
    const pruned = await engine.system.prune({
      all,
      volumes,
      ...(before !== undefined && { before }),
      ...(labels !== undefined && { labels }),
    });
    context.stdout.print(deletedList('Deleted Containers', pruned.containers));
    context.stdout.print(deletedList('Deleted Volumes', pruned.volumes));
    context.stdout.print(deletedImages(pruned.images));
    context.stdout.print(reclaimedSpace(pruned.reclaimed));
    return 0;
  },
});

type Asked = { readonly all: boolean; readonly volumes: boolean; readonly filters: readonly string[] };

function warning({ all, volumes, filters }: Asked): string {
  const things = [
    'all stopped containers',
    'all networks not used by at least one container',
    ...(volumes ? ['all anonymous volumes not used by at least one container'] : []),
    all ? 'all images without at least one container associated to them' : 'all dangling images',
    all ? 'all build cache' : 'unused build cache',
  ];
  const items = filters.length === 0 ? '' : `\n  Items to be pruned will be filtered with:\n${lines(filters)}`;
  return `WARNING! This will remove:\n${lines(things)}${items}`;
}

function lines(items: readonly string[]): string {
  return items.map((item) => `  - ${item}\n`).join('');
}

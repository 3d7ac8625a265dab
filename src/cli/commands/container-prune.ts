import { confirmed } from '../confirm.ts';
import { defineCommand, list, toggle } from '../definition.ts';
import { parsePruneFilter, pruneSelection } from '../format/prune-filter.ts';
import { deletedList, reclaimedSpace } from '../format/prune-result.ts';

const warning = 'WARNING! This will remove all stopped containers.';

export const command = defineCommand({
  usage: '[OPTIONS]',
  positionals: { min: 0, max: 0 },
  flags: {
    filter: list('filter', parsePruneFilter, 'Only those that match, such as until=24h or label!=keep', {
      emptyIsAbsent: true,
    }),
    force: toggle("Don't ask", { short: 'f' }),
  },
  examples: [{ line: 'container prune -f --filter until=24h', says: 'Containers that ended and are older than a day' }],
  async run({ flags, context }) {
    const { before, labels } = pruneSelection(flags.filter, context.now());
    if (!flags.force && !(await confirmed(warning, context))) return 0;
    const engine = await context.engine();
    const removed = await engine.containers.prune({
      ...(before !== undefined && { before }),
      ...(labels !== undefined && { labels }),
    });
    const ids = removed.map(({ id }) => id);
    context.stdout.print(deletedList('Deleted Containers', ids));
    context.stdout.print(reclaimedSpace(removed.reduce((sum, { reclaimed }) => sum + reclaimed, 0)));
    return 0;
  },
});

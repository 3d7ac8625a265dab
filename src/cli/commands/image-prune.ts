import { confirmed } from '../confirm.ts';
import { defineCommand, list, toggle } from '../definition.ts';
import { parsePruneFilter, pruneSelection } from '../format/prune-filter.ts';
import { deletedImages, reclaimedSpace } from '../format/prune-result.ts';

const warnings = {
  dangling: 'WARNING! This will remove all dangling images.',
  all: 'WARNING! This will remove all images without at least one container associated to them.',
};

export const command = defineCommand({
  usage: '[OPTIONS]',
  positionals: { min: 0, max: 0 },
  flags: {
    all: toggle('Remove every image that no container was made of, not just those without a name', { short: 'a' }),
    filter: list('filter', parsePruneFilter, 'Only those that match, such as until=24h or label!=keep', {
      emptyIsAbsent: true,
    }),
    force: toggle("Don't ask", { short: 'f' }),
  },
  examples: [{ line: 'image prune -af --filter until=240h', says: 'Images that are unused and older than ten days' }],
  async run({ flags, context }) {
    const { before, labels, dangling } = pruneSelection(flags.filter, context.now());
    const all = dangling === undefined ? flags.all : !dangling;
    if (!flags.force && !(await confirmed(all ? warnings.all : warnings.dangling, context))) return 0;
    const engine = await context.engine();
    const removed = await engine.images.prune({
      all,
      ...(before !== undefined && { before }),
      ...(labels !== undefined && { labels }),
    });
    context.stdout.print(deletedImages(removed));
    context.stdout.print(reclaimedSpace(removed.reduce((sum, each) => sum + each.reclaimed, 0)));
    return 0;
  },
});

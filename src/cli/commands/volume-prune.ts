import { confirmed } from '../confirm.ts';
import { defineCommand, list, toggle } from '../definition.ts';
import { parseFilter } from '../format/filter.ts';
import { deletedList, reclaimedSpace } from '../format/prune-result.ts';
import { volumeFilter } from '../format/volume-row.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  positionals: { min: 0, max: 0 },
  flags: {
    all: toggle('Remove those that have a name, too', { short: 'a' }),
    filter: list('filter', parseFilter, 'Remove only those that match: label=NAME[=VALUE]', { emptyIsAbsent: true }),
    force: toggle('Do not ask', { short: 'f' }),
  },
  async run({ flags: { all, filter, force }, context }) {
    const matches = volumeFilter(filter, ['label', 'label!']);
    const which = all ? 'all' : 'anonymous';
    const warning = `WARNING! This will remove ${which} local volumes not used by at least one container.`;
    if (!force && !(await confirmed(warning, context))) return 0;
    const engine = await context.engine();
    const removed = await engine.volumes.prune((volume) => (all || volume.anonymous) && matches(volume));
    const names = removed.map(({ name }) => name);
    context.stdout.print(deletedList('Deleted Volumes', names));
    context.stdout.print(reclaimedSpace(removed.reduce((sum, { reclaimed }) => sum + reclaimed, 0)));
    return 0;
  },
});

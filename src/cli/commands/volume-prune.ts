import { confirmed } from '../confirm.ts';
import { defineCommand, list, toggle } from '../definition.ts';
import { parseFilter } from '../format/filter.ts';
import { volumeFilter } from '../format/volume-row.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  positionals: { min: 0, max: 0 },
  flags: {
    all: toggle('Remove those that have a name, too', { short: 'a' }),
    filter: list('filter', parseFilter, 'Remove only those that match: label=NAME[=VALUE]'),
    force: toggle('Do not ask', { short: 'f' }),
  },
  async run({ flags: { all, filter, force }, context }) {
    const matches = volumeFilter(filter, ['label', 'label!']);
    const which = all ? 'all' : 'anonymous';
    const warning = `WARNING! This will remove ${which} local volumes not used by at least one container.`;
    if (!force && !(await confirmed(warning, context))) return 0;
    const engine = await context.engine();
    const removed = await engine.volumes.prune((volume) => (all || volume.anonymous) && matches(volume));
    if (removed.length > 0) {
      context.stdout.print(`Deleted Volumes:\n${removed.map(({ name }) => `${name}\n`).join('')}\n`);
    }
    context.stdout.print(`Total: ${removed.length}\n`);
    return 0;
  },
});

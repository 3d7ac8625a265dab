import { defineCommand, latestFlag } from '../definition.ts';
import { visibleLine } from '../format/visible.ts';

const letters = { added: 'A', changed: 'C', deleted: 'D' } as const;

export const command = defineCommand({
  usage: 'CONTAINER',
  positionals: { min: 1, max: 1 },
  completes: 'containers',
  latest: 'all',
  flags: { latest: latestFlag },
  async run({ args: [ref = ''], context }) {
    const engine = await context.engine();
    const changes = await engine.containers.diff(ref);
    // As ls(1) does: names in a container are its processes' to choose, and only a terminal obeys what is in them.
    const shown = context.stdout.isTerminal() ? visibleLine : (path: string) => path;
    context.stdout.print(changes.map(({ kind, path }) => `${letters[kind]} ${shown(path)}\n`).join(''));
    return 0;
  },
});

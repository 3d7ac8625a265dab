import { defineCommand } from '../definition.ts';

const letters = { added: 'A', changed: 'C', deleted: 'D' } as const;

export const command = defineCommand({
  usage: 'CONTAINER',
  positionals: { min: 1, max: 1 },
  completes: 'containers',
  flags: {},
  async run({ args: [ref = ''], context }) {
    const engine = await context.engine();
    const changes = await engine.containers.diff(ref);
    context.stdout.print(changes.map(({ kind, path }) => `${letters[kind]} ${path}\n`).join(''));
    return 0;
  },
});

import { defineCommand } from '../definition.ts';

/** What onggi-boot.service runs. */
export const command = defineCommand({
  usage: '',
  positionals: { min: 0, max: 0 },
  flags: {},
  async run({ context }) {
    const engine = await context.engine();
    const failed = await engine.boot();
    for (const { error } of failed) context.report(error);
    return failed.length === 0 ? 0 : 1;
  },
});

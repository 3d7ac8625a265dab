import { defineCommand, latestFlag } from '../definition.ts';
import { topTable } from '../format/top-table.ts';

export const command = defineCommand({
  usage: 'CONTAINER [ps OPTIONS]',
  positionals: { min: 1, max: null },
  interspersed: false,
  completes: 'running',
  latest: 'first',
  flags: { latest: latestFlag },
  examples: [
    { line: 'top web', says: 'As ps -ef of this machine shows them' },
    { line: 'top web pid,user,args', says: 'By their numbers and names in the container' },
  ],
  async run({ args: [ref = '', ...words], context }) {
    const engine = await context.engine();
    const { titles, processes } = await engine.containers.top(ref, words);
    context.stdout.print(topTable([titles, ...processes]));
    return 0;
  },
});

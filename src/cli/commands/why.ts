import { defineCommand } from '../definition.ts';
import { visible } from '../format/visible.ts';

export const command = defineCommand({
  usage: 'CONTAINER',
  positionals: { min: 1, max: 1 },
  completes: 'containers',
  flags: {},
  examples: [{ line: 'why web', says: 'Exit status, signal and its sender, out of memory, last lines of the log' }],
  async run({ args: [ref = ''], context }) {
    const engine = await context.engine();
    const { sentences, lastLines } = await engine.containers.why(ref);
    for (const sentence of sentences) context.stdout.print(`${sentence}\n`);
    if (lastLines.length > 0) context.stdout.print('Last lines of its log:\n');
    for (const { text } of lastLines) context.stdout.print(visible(`  ${text.endsWith('\n') ? text : `${text}\n`}`));
    return 0;
  },
});

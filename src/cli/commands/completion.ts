import { OnggiError } from '../../errors.ts';
import { defineCommand } from '../definition.ts';

export const command = defineCommand({
  usage: 'bash',
  positionals: { min: 1, max: 1 },
  flags: {},
  examples: [{ line: 'completion bash > /etc/bash_completion.d/onggi', says: 'Complete in every shell from now on' }],
  async run({ args: [shell], context }) {
    if (shell !== 'bash') throw new OnggiError('invalid', `completion for '${shell}'`, { hint: 'There is bash.' });
    const [{ bashCompletion }, { globalFlags }] = await Promise.all([
      import('../completion.ts'),
      import('../program.ts'),
    ]);
    context.stdout.print(await bashCompletion(globalFlags));
    return 0;
  },
});

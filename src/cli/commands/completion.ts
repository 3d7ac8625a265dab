import { OnggiError } from '../../errors.ts';
import { defineCommand } from '../definition.ts';

const shells = {
  bash: async () => (await import('../completion/bash.ts')).bashCompletion,
  zsh: async () => (await import('../completion/zsh.ts')).zshCompletion,
  fish: async () => (await import('../completion/fish.ts')).fishCompletion,
};

export const command = defineCommand({
  usage: 'bash|zsh|fish',
  positionals: { min: 1, max: 1 },
  completes: 'shells',
  flags: {},
  examples: [
    { line: 'completion bash > /etc/bash_completion.d/onggi', says: 'Complete in every bash from now on' },
    { line: 'completion zsh > /usr/local/share/zsh/site-functions/_onggi', says: 'In every zsh' },
    { line: 'completion fish > ~/.config/fish/completions/onggi.fish', says: "In one's own fish" },
  ],
  async run({ args: [shell = ''], context }) {
    if (!isShell(shell)) {
      throw new OnggiError('invalid', `completion for '${shell}'`, { hint: 'There are bash, zsh and fish.' });
    }
    const [script, { completionModel }, { globalFlags }] = await Promise.all([
      shells[shell](),
      import('../completion/load.ts'),
      import('../program.ts'),
    ]);
    context.stdout.print(script(await completionModel(globalFlags)));
    return 0;
  },
});

function isShell(name: string): name is keyof typeof shells {
  return Object.hasOwn(shells, name);
}

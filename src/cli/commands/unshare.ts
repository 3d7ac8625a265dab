import { OnggiError } from '../../errors.ts';
import { defineCommand } from '../definition.ts';

export const command = defineCommand({
  usage: '[COMMAND [ARG...]]',
  tellsOfCommand: true,
  positionals: { min: 0, max: null },
  interspersed: false,
  flags: {},
  examples: [
    { line: 'unshare', says: 'A shell that is root of the ids of your containers' },
    { line: 'unshare rm -r data', says: 'Remove what a container has written with ids of its own' },
  ],
  async run({ args, context }) {
    const shell = context.env['SHELL'] || '/bin/sh';
    await context.enterUserNamespace(args.length === 0 ? [shell] : args);
    throw new OnggiError('invalid', 'unshare: root of this machine needs no user namespace', {
      hint: 'Call it as an ordinary user.',
    });
  },
});

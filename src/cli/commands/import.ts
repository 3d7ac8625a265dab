import { resolve } from 'node:path';
import { OnggiError } from '../../errors.ts';
import { asIs, defineCommand, emptyAsNone, list, single, toggle } from '../definition.ts';
import { interruptible } from '../interrupt.ts';

export const command = defineCommand({
  usage: '[OPTIONS] FILE|URL|- [REPOSITORY[:TAG]]',
  positionals: { min: 1, max: 2 },
  completes: 'files',
  flags: {
    change: list('list', asIs, 'Apply a Dockerfile instruction to the image', { short: 'c' }),
    message: single('string', asIs, 'Message for the history of the image', { short: 'm' }),
    platform: single('string', asIs, 'Platform of the image (linux/arm64)'),
    quiet: toggle('Print nothing but the id of the image', { short: 'q' }),
  },
  examples: [
    { line: 'import -c \'CMD ["sh"]\' rootfs.tar.gz base', says: 'An image of a directory tree, with a command' },
  ],
  async run({ flags: { change, message, platform }, args: [source = '', name], context }) {
    if (source === '-' && context.stdin.isTerminal()) {
      throw new OnggiError('invalid', 'import from standard input: it is a terminal, not an archive');
    }
    const engine = await context.engine();
    const path = /^https?:\/\//.test(source) ? source : resolve(context.directory, source);
    const { id } = await interruptible(context, 'import', (signal) =>
      engine.images.import(source === '-' ? context.stdin.chunks() : path, emptyAsNone(name) ?? null, {
        changes: [...change],
        ...(message !== undefined && { message }),
        ...(platform !== undefined && { platform }),
        signal,
      }),
    );
    context.stdout.print(`${id}\n`);
    return 0;
  },
});

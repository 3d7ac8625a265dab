import { resolve } from 'node:path';
import { OnggiError, unsupported } from '../../errors.ts';
import { asIs, defineCommand, list, single } from '../definition.ts';

export const command = defineCommand({
  usage: '[OPTIONS] FILE|- [REPOSITORY[:TAG]]',
  positionals: { min: 1, max: 2 },
  completes: 'files',
  flags: {
    change: list('list', asIs, 'Apply a Dockerfile instruction to the image', { short: 'c' }),
    message: single('string', asIs, 'Message for the history of the image', { short: 'm' }),
    platform: single('string', asIs, 'Platform of the image (linux/arm64)'),
  },
  examples: [
    { line: 'import -c \'CMD ["sh"]\' rootfs.tar.gz base', says: 'An image of a directory tree, with a command' },
  ],
  async run({ flags: { change, message, platform }, args: [source = '', name], context }) {
    if (/^https?:\/\//.test(source)) {
      throw unsupported(`import from a URL ('${source}')`, 'Pipe it in: curl ... | onggi import - NAME');
    }
    if (source === '-' && context.stdin.isTerminal()) {
      throw new OnggiError('invalid', 'import from standard input: it is a terminal, not an archive');
    }
    const engine = await context.engine();
    const { id } = await engine.images.import(
      source === '-' ? context.stdin.chunks() : resolve(context.directory, source),
      name ?? null,
      {
        changes: [...change],
        ...(message !== undefined && { message }),
        ...(platform !== undefined && { platform }),
      },
    );
    context.stdout.print(`${id}\n`);
    return 0;
  },
});

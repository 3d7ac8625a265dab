import { resolve } from 'node:path';
import { errnoOf, OnggiError } from '../../errors.ts';
import { brokenPipeStatus } from '../broken-pipe.ts';
import { asIs, defineCommand, single } from '../definition.ts';
import { interruptible } from '../interrupt.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  positionals: { min: 1, max: null },
  completes: 'images',
  flags: {
    output: single('string', asIs, 'Write to a file, instead of STDOUT', { short: 'o' }),
    platform: single('string', asIs, 'Save only the given platform (linux/arm64)'),
  },
  examples: [
    { line: 'save -o busybox.tar busybox:latest', says: 'What "docker load" and "podman load" read too' },
    { line: 'save alpine debian | ssh host onggi load', says: 'Images to another machine' },
  ],
  async run({ flags: { output, platform }, args, context }) {
    if (output === undefined && context.stdout.isTerminal()) {
      throw new OnggiError('invalid', 'save to standard output: it is a terminal', {
        hint: 'Use --output, or redirect the output.',
      });
    }
    const target =
      output === undefined ? { fd: 1, name: 'standard output' } : { path: resolve(context.directory, output) };
    const engine = await context.engine();
    try {
      await interruptible(context, 'save', (signal) =>
        engine.images.save(args, target, { signal, ...(platform !== undefined && { platform }) }),
      );
    } catch (error) {
      const cause = error instanceof OnggiError ? error.cause : error;
      if (output === undefined && errnoOf(cause) === 'EPIPE') return brokenPipeStatus;
      throw error;
    }
    return 0;
  },
});

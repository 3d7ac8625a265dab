import { resolve } from 'node:path';
import { OnggiError } from '../../errors.ts';
import { asIs, defineCommand, single, toggle } from '../definition.ts';
import { interruptible } from '../interrupt.ts';
import { transferProgress } from '../transfer-progress.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  positionals: { min: 0, max: 0 },
  flags: {
    input: single('string', asIs, 'Read from tar archive file, instead of STDIN', { short: 'i' }),
    platform: single('string', asIs, 'Load only the given platform (linux/arm64)'),
    quiet: toggle('Suppress the load output', { short: 'q' }),
  },
  examples: [{ line: 'load -i busybox.tar', says: 'An archive of "docker save", "podman save" or "onggi save"' }],
  async run({ flags: { input, platform, quiet }, context }) {
    if (input === undefined && context.stdin.isTerminal()) {
      throw new OnggiError('invalid', 'load from standard input: it is a terminal, not an archive', {
        hint: 'Use --input, or redirect the input.',
      });
    }
    const path = input === undefined ? '/dev/stdin' : resolve(context.directory, input);
    const engine = await context.engine();
    const progress = quiet ? undefined : transferProgress(context.stdout, 'Loading layer', context.now);
    let count = 0;
    await interruptible(context, 'load', async (signal) => {
      const options = { signal, ...(platform !== undefined && { platform }) };
      for await (const { id, names } of engine.images.load(path, {
        ...options,
        ...(progress && { onEvent: progress }),
      })) {
        count += 1;
        for (const name of names) context.stdout.print(`Loaded image: ${name}\n`);
        if (names.length === 0) context.stdout.print(`Loaded image ID: ${id}\n`);
      }
    });
    if (count === 0) throw new OnggiError('not-found', 'load: there are no images in the archive');
    return 0;
  },
});

import { resolve } from 'node:path';
import { defineCommand } from '../../definition.ts';
import { interruptible } from '../../interrupt.ts';
import { commonFlags, refused, refusedOfSide, retried, sharedFlag, sideFlags, sideOptions } from '../flags.ts';

export const command = defineCommand({
  usage: '[command options] IMAGE-NAME [LAYER...]',
  positionals: { min: 1, max: null },
  flags: { ...commonFlags, ...sideFlags(''), ...sharedFlag('') },
  refused: refused(refusedOfSide('')),
  async run({ flags, args: [address = '', ...digests], context }) {
    const engine = await context.engine();
    const source = sideOptions(flags, '', context);
    const name = `layers-${address.replace(/[^A-Za-z0-9]+/g, '-').slice(-40)}-${context.now().toString(36)}`;
    const directory = resolve(context.directory, name);
    const platform = flags.platform === undefined ? {} : { platform: flags.platform };
    await interruptible(context, 'layers', (signal) =>
      retried(flags['retry-times'], () =>
        engine.transfers.layers(address, directory, digests, { ...platform, source, signal }),
      ),
    );
    context.stdout.print(`${directory}\n`);
    return 0;
  },
});

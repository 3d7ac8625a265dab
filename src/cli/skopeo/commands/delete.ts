import { defineCommand } from '../../definition.ts';
import { interruptible } from '../../interrupt.ts';
import { commonFlags, refused, refusedOfSide, retried, sharedFlag, sideFlags, sideOptions } from '../flags.ts';

export const command = defineCommand({
  usage: '[command options] IMAGE-NAME',
  positionals: { min: 1, max: 1 },
  flags: { 'retry-times': commonFlags['retry-times'], ...sideFlags(''), ...sharedFlag('') },
  refused: refused(refusedOfSide('')),
  async run({ flags, args: [address = ''], context }) {
    const engine = await context.engine();
    const source = sideOptions(flags, '', context);
    await interruptible(context, 'delete', (signal) =>
      retried(flags['retry-times'] as number | undefined, () => engine.transfers.remove(address, { source, signal })),
    );
    return 0;
  },
});

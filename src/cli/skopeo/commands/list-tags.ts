import { OnggiError } from '../../../errors.ts';
import { defineCommand } from '../../definition.ts';
import { interruptible } from '../../interrupt.ts';
import { commonFlags, refused, refusedOfSide, retried, sideFlags, sideOptions } from '../flags.ts';

export const command = defineCommand({
  usage: '[command options] SOURCE-IMAGE',
  positionals: { min: 1, max: 1 },
  flags: { 'retry-times': commonFlags['retry-times'], ...sideFlags('') },
  refused: refused(refusedOfSide('')),
  async run({ flags, args: [address = ''], context }) {
    refuseTag(address);
    const engine = await context.engine();
    const source = sideOptions(flags, '', context);
    const { repository, tags } = await interruptible(context, 'list-tags', (signal) =>
      retried(flags['retry-times'] as number | undefined, () => engine.transfers.tags(address, { source, signal })),
    );
    const record = { ...(repository !== null && { Repository: repository }), Tags: tags };
    context.stdout.print(`${JSON.stringify(record, null, 4)}\n`);
    return 0;
  },
});

/** Whoever names one expects something else than all. @throws OnggiError `invalid` */
function refuseTag(address: string): void {
  if (!address.startsWith('docker://')) return;
  const repository = address.replace(/[:@][^/]*$/, '');
  if (repository === address) return;
  throw new OnggiError('invalid', `list-tags "${address}": a tag or digest is too many`, {
    hint: `Say "${repository}".`,
  });
}

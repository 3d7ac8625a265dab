import type { SyncAsk } from '../../../engine/types.ts';
import { OnggiError, unsupported } from '../../../errors.ts';
import { copyFlags, copyOptions } from '../../copy-flags.ts';
import { asIs, defineCommand, single, toggle } from '../../definition.ts';
import { interruptible } from '../../interrupt.ts';
import { commonFlags, policyOption, refused, refusedOfSide, sideFlags, sideOptions, signingFlags } from '../flags.ts';

export const command = defineCommand({
  usage: '[command options] --src TRANSPORT --dest TRANSPORT SOURCE DESTINATION',
  positionals: { min: 2, max: 2 },
  flags: {
    ...commonFlags,
    all: copyFlags.all,
    format: copyFlags.format,
    'preserve-digests': copyFlags['preserve-digests'],
    'remove-signatures': copyFlags['remove-signatures'],
    ...sideFlags('src-'),
    ...sideFlags('dest-'),
    authfile: single('string', asIs, 'Path of the file with credentials for both registries'),
    dest: single('string', asIs, 'Transport of the destination (docker, dir)', { short: 'd' }),
    'dry-run': toggle('Say what would be copied'),
    'keep-going': toggle('Go on after an image that could not be copied'),
    scoped: toggle('Keep the whole name of the source below the destination'),
    src: single('string', asIs, 'Transport of the source (docker, dir)', { short: 's' }),
  },
  refused: refused(refusedOfSide('src-'), refusedOfSide('dest-'), signingFlags),
  async run({ flags, args: [source = '', destination = ''], context }) {
    const ask: SyncAsk = {
      from: place('src', flags.src),
      to: place('dest', flags.dest),
      source,
      destination,
      scoped: flags.scoped,
      dryRun: flags['dry-run'],
      keepGoing: flags['keep-going'],
    };
    if (ask.from === 'dir' && ask.to === 'dir') {
      throw unsupported("sync from 'dir' to 'dir'", 'Use cp -a.');
    }
    const copy = copyOptions({
      ...flags,
      'dest-compress-format': undefined,
      'dest-compress-level': undefined,
      'dest-decompress': false,
    });
    const engine = await context.engine();
    let [done, failed] = [0, 0];
    await interruptible(context, 'sync', async (signal) => {
      const options = {
        ...copy,
        ...policyOption(flags),
        ...(flags.platform !== undefined && { platform: flags.platform }),
        source: sideOptions(flags, 'src-', context),
        destination: sideOptions(flags, 'dest-', context),
        signal,
      };
      for await (const event of engine.transfers.sync(ask, options)) {
        if (event.type === 'copying') {
          const word = ask.dryRun ? 'Would have copied' : 'Copying';
          context.stderr.print(`${word} image from ${event.source} to ${event.destination}\n`);
        } else if (event.type === 'failed') {
          failed += 1;
          context.report(event.error);
        } else done += 1;
      }
    });
    context.stderr.print(`Synced ${done} images${ask.dryRun ? ' (dry run)' : ''}\n`);
    return failed === 0 ? 0 : 1;
  },
});

function place(flag: string, value: string | undefined): SyncAsk['from'] {
  if (value === 'docker' || value === 'dir') return value;
  if (value === undefined || value === '') throw new OnggiError('invalid', `flag --${flag} is missing: docker or dir`);
  if (value === 'yaml') throw unsupported(`--${flag} yaml`, 'Call sync once for each repository.');
  throw new OnggiError('invalid', `flag --${flag}: "${value}" is not docker or dir`);
}

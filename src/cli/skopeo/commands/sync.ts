import { resolve } from 'node:path';
import type { SyncAsk } from '../../../engine/types.ts';
import { OnggiError, unsupported } from '../../../errors.ts';
import { copyFlags, copyOptions } from '../../copy-flags.ts';
import { asIs, defineCommand, single, toggle } from '../../definition.ts';
import { interruptible } from '../../interrupt.ts';
import { signOptions } from '../../sign-flags.ts';
import { copyLines } from '../copy-lines.ts';
import {
  commonFlags,
  encryptionFlags,
  policyOption,
  refused,
  refusedOfSide,
  retried,
  sideFlags,
  sideOptions,
} from '../flags.ts';
import { readText } from '../output-file.ts';
import { readSyncFile } from '../sync-file.ts';

export const command = defineCommand({
  usage: '[command options] --src TRANSPORT --dest TRANSPORT SOURCE DESTINATION',
  positionals: { min: 2, max: 2 },
  flags: {
    ...commonFlags,
    all: copyFlags.all,
    'append-suffix': single('string', asIs, 'Put behind each name at the destination'),
    format: copyFlags.format,
    'preserve-digests': copyFlags['preserve-digests'],
    'remove-signatures': copyFlags['remove-signatures'],
    'sign-by': copyFlags['sign-by'],
    'sign-by-sigstore': copyFlags['sign-by-sigstore'],
    'sign-by-sigstore-private-key': copyFlags['sign-by-sigstore-private-key'],
    'sign-passphrase-file': copyFlags['sign-passphrase-file'],
    ...sideFlags('src-'),
    ...sideFlags('dest-'),
    authfile: single('string', asIs, 'Path of the file with credentials for both registries'),
    dest: single('string', asIs, 'Transport of the destination (docker, dir)', { short: 'd' }),
    'dry-run': toggle('Say what would be copied'),
    'keep-going': toggle('Go on after an image that could not be copied'),
    scoped: toggle('Keep the whole name of the source below the destination'),
    src: single('string', asIs, 'Transport of the source (docker, dir, yaml)', { short: 's' }),
  },
  refused: refused(refusedOfSide('src-'), refusedOfSide('dest-'), encryptionFlags),
  async run({ flags, args: [source = '', destination = ''], context }) {
    const from = flags.src === 'yaml' ? 'list' : place('src', flags.src);
    const reached = sideOptions(flags, 'src-', context);
    const path = resolve(context.directory, source);
    const suffix = flags['append-suffix'];
    const ask: SyncAsk = {
      from,
      to: place('dest', flags.dest),
      source,
      ...(from === 'list' && { lists: readSyncFile(readText(path), `file "${source}"`, reached) }),
      ...(suffix !== undefined && { suffix }),
      destination,
      scoped: flags.scoped,
      dryRun: flags['dry-run'],
      keepGoing: flags['keep-going'],
      attempt: (copy) => retried(flags['retry-times'], copy),
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
    const lines = copyLines(context.stdout, context.now);
    let [done, failed] = [0, 0];
    await interruptible(context, 'sync', async (signal) => {
      const options = {
        ...copy,
        ...(await signOptions({ ...flags, 'sign-identity': undefined }, context)),
        ...policyOption(flags),
        ...(flags.platform !== undefined && { platform: flags.platform }),
        source: reached,
        destination: sideOptions(flags, 'dest-', context),
        signal,
        onEvent: lines.onEvent,
      };
      for await (const event of engine.transfers.sync(ask, options)) {
        if (event.type === 'copying') {
          const word = ask.dryRun ? 'Would have copied' : 'Copying';
          context.stderr.print(`${word} image from ${event.source} to ${event.destination}\n`);
          if (ask.dryRun) done += 1;
          else lines.begin();
        } else if (event.type === 'failed') {
          failed += 1;
          context.report(event.error);
        } else {
          done += 1;
          lines.finish();
        }
      }
    });
    context.stderr.print(`${ask.dryRun ? 'Would have synced' : 'Synced'} ${done} images\n`);
    return failed === 0 ? 0 : 1;
  },
});

function place(flag: 'src' | 'dest', value: string | undefined): SyncAsk['to'] {
  if (value === 'docker' || value === 'dir') return value;
  const words = flag === 'src' ? 'docker, dir or yaml' : 'docker or dir';
  if (value === undefined || value === '') throw new OnggiError('invalid', `flag --${flag} is missing: ${words}`);
  throw new OnggiError('invalid', `flag --${flag}: "${value}" is not ${words}`);
}

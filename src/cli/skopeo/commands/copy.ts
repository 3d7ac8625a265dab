import { resolve } from 'node:path';
import { OnggiError } from '../../../errors.ts';
import { copyFlags, copyOptions } from '../../copy-flags.ts';
import { asIs, defineCommand, list, single, toggle } from '../../definition.ts';
import { interruptible } from '../../interrupt.ts';
import { signOptions } from '../../sign-flags.ts';
import { oneOf } from '../../value/number.ts';
import { copyLines } from '../copy-lines.ts';
import {
  commonFlags,
  encryptionFlags,
  policyOption,
  refused,
  refusedOfSide,
  retried,
  sharedFlag,
  sideFlags,
  sideOptions,
} from '../flags.ts';
import { writeText } from '../output-file.ts';

export const command = defineCommand({
  usage: '[command options] SOURCE-IMAGE DESTINATION-IMAGE',
  positionals: { min: 2, max: 2 },
  flags: {
    ...copyFlags,
    ...commonFlags,
    ...sideFlags('src-'),
    ...sideFlags('dest-'),
    ...sharedFlag('src-'),
    ...sharedFlag('dest-'),
    'additional-tag': list('strings', asIs, 'Additional tags (docker-archive)'),
    authfile: single('string', asIs, 'Path of the file with credentials for both registries'),
    'dest-compress': toggle("Compress layers of a 'dir' that are not compressed"),
    'dest-oci-accept-uncompressed-layers': toggle("Leave uncompressed layers of an 'oci' as they are"),
    digestfile: single('string', asIs, 'Write the digest of the copied image to the file'),
    'multi-arch': single(
      'string',
      oneOf('multi-arch', ['system', 'all', 'index-only']),
      'Which images of several platforms (system, all, index-only)',
    ),
    quiet: toggle('Suppress output information when copying images', { short: 'q' }),
  },
  refused: {
    ...refused(refusedOfSide('src-'), refusedOfSide('dest-'), encryptionFlags),
    switches: ['dest-precompute-digests', 'dest-force-compress-format'],
    harmless: {
      // Digests are known before anything is sent.
      'dest-precompute-digests': ['true', 'false'],
      // A layer in another format is always compressed anew.
      'dest-force-compress-format': ['true', 'false'],
    },
  },
  async run({ flags, args: [source = '', destination = ''], context }) {
    if (flags.all && flags['multi-arch'] !== undefined) {
      throw new OnggiError('invalid', 'Cannot use --all and --multi-arch flags together');
    }
    const engine = await context.engine();
    const options = {
      ...copyOptions(flags),
      ...(await signOptions(flags, context)),
      ...policyOption(flags),
      ...compression(flags, destination),
      ...(flags['multi-arch'] !== undefined && { instances: flags['multi-arch'] as 'all' }),
      ...(flags.platform !== undefined && { platform: flags.platform }),
      additionalTags: flags['additional-tag'],
      source: sideOptions(flags, 'src-', context),
      destination: sideOptions(flags, 'dest-', context),
    };
    const lines = flags.quiet ? undefined : copyLines(context.stdout, context.now);
    lines?.begin();
    const { digest } = await interruptible(context, 'copy', (signal) =>
      retried(flags['retry-times'], () =>
        engine.transfers.copy(source, destination, {
          ...options,
          signal,
          ...(lines !== undefined && { onEvent: lines.onEvent }),
        }),
      ),
    );
    lines?.finish();
    if (flags.digestfile !== undefined) writeText(resolve(context.directory, flags.digestfile), digest);
    return 0;
  },
});

/** Skopeo compresses what goes to a registry or a layout, unless it is told otherwise. */
function compression(
  flags: {
    readonly 'dest-compress': boolean;
    readonly 'dest-decompress': boolean;
    readonly 'dest-oci-accept-uncompressed-layers': boolean;
    readonly 'preserve-digests': boolean;
    readonly 'dest-compress-format': string | undefined;
    readonly 'dest-compress-level': number | undefined;
  },
  destination: string,
): object {
  const asked = flags['dest-compress-format'] !== undefined || flags['dest-decompress'];
  if (asked || flags['preserve-digests']) return {};
  const place = destination.slice(0, destination.indexOf(':'));
  const oci = /^oci(-archive)?$/.test(place) && !flags['dest-oci-accept-uncompressed-layers'];
  if (!(place === 'docker' || oci || (place === 'dir' && flags['dest-compress']))) return {};
  const level = flags['dest-compress-level'];
  return { format: { format: 'gzip', ...(level !== undefined && { level }) }, plainOnly: true };
}

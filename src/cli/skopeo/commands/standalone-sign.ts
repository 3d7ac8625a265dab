import { resolve } from 'node:path';
import { OnggiError } from '../../../errors.ts';
import { asIs, defineCommand, single } from '../../definition.ts';
import { readPassphrase } from '../../passphrase.ts';
import { readBytes, writeBytes } from '../output-file.ts';

export const command = defineCommand({
  usage: '[command options] MANIFEST DOCKER-REFERENCE KEY-FINGERPRINT --output|-o SIGNATURE',
  positionals: { min: 3, max: 3 },
  completes: 'files',
  flags: {
    output: single('SIGNATURE', asIs, 'Output the signature to SIGNATURE', { short: 'o' }),
    'passphrase-file': single('string', asIs, 'File that contains a passphrase for the key'),
  },
  async run({ flags, args: [manifest = '', identity = '', fingerprint = ''], context }) {
    if (flags.output === undefined) throw new OnggiError('invalid', 'flag --output is missing');
    const engine = await context.engine();
    const file = flags['passphrase-file'];
    const passphrase = file === undefined ? null : readPassphrase(file, context);
    const signature = await engine.images.signManifest(readBytes(resolve(context.directory, manifest)), {
      identity,
      fingerprint,
      ...(passphrase !== null && { passphrase }),
    });
    writeBytes(resolve(context.directory, flags.output), signature);
    return 0;
  },
});

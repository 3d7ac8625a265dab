import { resolve } from 'node:path';
import { asIs, defineCommand, single } from '../../definition.ts';
import { readBytes } from '../output-file.ts';

export const command = defineCommand({
  usage: '[command options] MANIFEST DOCKER-REFERENCE KEY-FINGERPRINTS SIGNATURE',
  positionals: { min: 4, max: 4 },
  completes: 'files',
  flags: {
    'public-key-file': single(
      'string',
      asIs,
      'File with public keys, in place of the keyring; then "any" is a fingerprint',
    ),
  },
  async run({ flags, args: [manifest = '', identity = '', fingerprints = '', signature = ''], context }) {
    const engine = await context.engine();
    const at = (path: string): string => resolve(context.directory, path);
    const keys = flags['public-key-file'];
    const found = await engine.images.verifyManifest(readBytes(at(manifest)), readBytes(at(signature)), {
      identity,
      fingerprints: fingerprints.split(','),
      ...(keys !== undefined && { publicKeys: at(keys) }),
    });
    context.stdout.print(`Signature verified using fingerprint ${found.fingerprint}, digest ${found.digest}\n`);
    return 0;
  },
});

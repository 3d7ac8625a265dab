import { resolve } from 'node:path';
import { OnggiError } from '../../errors.ts';
import { asIs, defineCommand, single } from '../definition.ts';
import { openPassphrases } from '../passphrase.ts';

export const command = defineCommand({
  usage: '[OPTIONS] --key FILE NAME[:TAG|@DIGEST]',
  positionals: { min: 1, max: 1 },
  flags: {
    identity: single('name', asIs, 'Name that is signed, where it is not the one of the image'),
    key: single('file', asIs, 'Private key: PEM, or encrypted by cosign', { short: 'k' }),
    'passphrase-file': single('file', asIs, 'File whose first line decrypts the key (default $COSIGN_PASSWORD)'),
  },
  examples: [{ line: 'image sign --key release.key 127.0.0.1:5000/app:1', says: 'Sign an image that was pushed' }],
  async run({ flags: { identity, key, 'passphrase-file': file }, args: [name = ''], context }) {
    if (key === undefined) throw new OnggiError('invalid', "'image sign': --key is wanted");
    using passphrases = openPassphrases(context);
    const passphrase = await passphrases.of(key, file);
    const engine = await context.engine();
    const digest = await engine.images.sign(name, {
      key: resolve(context.directory, key),
      ...(passphrase !== null && { passphrase }),
      ...(identity !== undefined && { identity }),
    });
    context.stdout.print(`${digest}\n`);
    return 0;
  },
});

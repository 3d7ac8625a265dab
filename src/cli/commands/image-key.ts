import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fromSystemError, OnggiError } from '../../errors.ts';
import { asIs, defineCommand, single } from '../definition.ts';
import { openPassphrases } from '../passphrase.ts';

export const command = defineCommand({
  usage: '[OPTIONS] generate PREFIX',
  positionals: { min: 2, max: 2 },
  completes: 'files',
  flags: {
    'passphrase-file': single('file', asIs, 'Encrypt the private key by the first line of this file, as cosign does'),
  },
  examples: [{ line: 'image key generate release', says: 'Writes release.key and release.pub' }],
  async run({ flags, args: [verb = '', prefix = ''], context }) {
    if (verb !== 'generate') throw new OnggiError('invalid', `'image key ${verb}': "generate" is what it can do`);
    const engine = await context.engine();
    using passphrases = openPassphrases(context);
    const passphrase = await passphrases.forNew(`${prefix}.key`, flags['passphrase-file']);
    const { privatePem, publicPem } = await engine.images.makeKeys(passphrase);
    // The private one first: where it is there already, nothing is written.
    write(resolve(context.directory, `${prefix}.key`), privatePem, 0o600);
    write(resolve(context.directory, `${prefix}.pub`), publicPem, 0o644);
    const note = passphrase === null ? ', not encrypted' : '';
    context.stdout.print(`Private key: ${prefix}.key${note}\nPublic key: ${prefix}.pub\n`);
    return 0;
  },
});

function write(path: string, text: string, mode: number): void {
  try {
    writeFileSync(path, text, { mode, flag: 'wx' });
  } catch (error) {
    throw fromSystemError(error, `write key "${path}"`);
  }
}

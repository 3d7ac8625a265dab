import { resolve } from 'node:path';
import { OnggiError } from '../../../errors.ts';
import { asIs, defineCommand, single } from '../../definition.ts';
import { openPassphrases } from '../../passphrase.ts';
import { writeNew } from '../output-file.ts';

export const command = defineCommand({
  usage: '[command options] --output-prefix PREFIX',
  positionals: { min: 0, max: 0 },
  flags: {
    'output-prefix': single('PREFIX', asIs, 'Write the keys to PREFIX.pub and PREFIX.private'),
    'passphrase-file': single('PATH', asIs, 'Read a passphrase for the private key from PATH'),
  },
  async run({ flags, context }) {
    const prefix = flags['output-prefix'];
    if (prefix === undefined || prefix === '') throw new OnggiError('invalid', 'flag --output-prefix is missing');
    const engine = await context.engine();
    using passphrases = openPassphrases(context);
    const passphrase = await passphrases.forNew(`${prefix}.private`, flags['passphrase-file']);
    const { privatePem, publicPem } = await engine.images.makeKeys(passphrase);
    // The private one first: where it is there already, nothing is written.
    writeNew(resolve(context.directory, `${prefix}.private`), privatePem, 0o600);
    writeNew(resolve(context.directory, `${prefix}.pub`), publicPem, 0o644);
    context.stdout.print(`Key written to "${prefix}.private" and "${prefix}.pub"\n`);
    return 0;
  },
});

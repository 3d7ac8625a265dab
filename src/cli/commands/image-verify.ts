import { resolve } from 'node:path';
import { OnggiError } from '../../errors.ts';
import { asIs, defineCommand, single } from '../definition.ts';

export const command = defineCommand({
  usage: '[OPTIONS] --key FILE NAME[:TAG|@DIGEST]',
  positionals: { min: 1, max: 1 },
  flags: {
    identity: single('name', asIs, 'Name that must have been signed (default any tag of the repository)'),
    key: single('file', asIs, 'Public key (PEM)', { short: 'k' }),
  },
  examples: [
    {
      line: 'image verify --key release.pub 127.0.0.1:5000/app:1',
      says: 'Prints what was signed; fails if nothing was',
    },
  ],
  async run({ flags: { identity, key }, args: [name = ''], context }) {
    if (key === undefined) throw new OnggiError('invalid', "'image verify': --key is wanted");
    const engine = await context.engine();
    const found = await engine.images.verify(name, {
      key: resolve(context.directory, key),
      ...(identity !== undefined && { identity }),
    });
    context.stdout.print(`${JSON.stringify(found.map(({ payload }) => payload))}\n`);
    return 0;
  },
});

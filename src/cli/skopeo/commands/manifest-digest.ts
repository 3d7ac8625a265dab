import { resolve } from 'node:path';
import { sha256 } from '../../../oci/digest.ts';
import { defineCommand } from '../../definition.ts';
import { readBytes } from '../output-file.ts';

export const command = defineCommand({
  usage: 'MANIFEST-FILE',
  positionals: { min: 1, max: 1 },
  completes: 'files',
  flags: {},
  async run({ args: [path = ''], context }) {
    context.stdout.print(`${sha256(readBytes(resolve(context.directory, path)))}\n`);
    return 0;
  },
});

import { resolve } from 'node:path';
import { OnggiError } from '../../errors.ts';
import { asIs, defineCommand, single } from '../definition.ts';
import { writeToFile } from '../file-output.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  positionals: { min: 1, max: 1 },
  completes: 'containers',
  flags: {
    output: single('string', asIs, 'Write to a file instead of standard output', { short: 'o', emptyIsAbsent: true }),
  },
  examples: [{ line: 'export web | gzip > web.tar.gz', says: 'The file system of a container, compressed' }],
  async run({ flags: { output }, args: [ref = ''], context }) {
    if (output === undefined && context.stdout.isTerminal()) {
      throw new OnggiError('invalid', 'export: standard output is a terminal', {
        hint: 'Name a file with -o, or redirect the output.',
      });
    }
    const engine = await context.engine();
    const pieces = engine.containers.export(ref);
    if (output !== undefined) await writeToFile(resolve(context.directory, output), pieces);
    else for await (const piece of pieces) await context.stdout.write(piece);
    return 0;
  },
});

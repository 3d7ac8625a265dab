import { resolve } from 'node:path';
import { OnggiError } from '../../errors.ts';
import { defineCommand, list, single, toggle } from '../definition.ts';
import { readFile } from '../file-input.ts';
import { parseAssignment, parseLabel, recordOf } from '../value/environment.ts';
import { oneOf } from '../value/number.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NAME FILE|-',
  positionals: { min: 2, max: 2 },
  completes: 'files',
  flags: {
    driver: single('string', oneOf('secret driver', ['file']), 'Driver of the secret: file', {
      short: 'd',
      shown: 'file',
    }),
    'driver-opts': list('map', parseAssignment, 'Options of the driver: NAME=VALUE'),
    env: toggle('The second argument is the name of an environment variable'),
    label: list('list', parseLabel, 'Set NAME=VALUE as a label', { short: 'l' }),
    replace: toggle('Replace a secret of the same name'),
  },
  examples: [
    { line: 'secret create token token.txt', says: 'Keep the content of a file' },
    { line: 'run --secret token alpine cat /run/secrets/token', says: 'Show it to a container' },
  ],
  async run({ flags, args: [name = '', source = ''], context }) {
    const engine = await context.engine();
    const { id } = await engine.secrets.create(name, await content(), {
      labels: recordOf(flags.label),
      driverOptions: recordOf(flags['driver-opts']),
      replace: flags.replace,
    });
    context.stdout.print(`${id}\n`);
    return 0;

    async function content(): Promise<Uint8Array> {
      if (flags.env) {
        const value = context.env[source];
        if (value === undefined)
          throw new OnggiError('not-found', `cannot create secret: environment variable "${source}" is not set`);
        return Buffer.from(value);
      }
      if (source !== '-') return readFile(resolve(context.directory, source));
      if (context.stdin.isTerminal()) {
        throw new OnggiError('invalid', 'secret from standard input: it is a terminal', {
          hint: 'Redirect a file to it.',
        });
      }
      const chunks: Uint8Array[] = [];
      for await (const chunk of context.stdin.chunks()) chunks.push(chunk);
      return Buffer.concat(chunks);
    }
  },
});

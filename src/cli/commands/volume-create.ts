import { OnggiError } from '../../errors.ts';
import { asIs, defineCommand, list, single } from '../definition.ts';
import { parseAssignment, parseLabel, recordOf } from '../value/environment.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [VOLUME]',
  positionals: { min: 0, max: 1 },
  flags: {
    driver: single('string', asIs, 'Driver of the volume: local', {
      short: 'd',
      shown: 'local',
    }),
    label: list('list', parseLabel, 'Set NAME=VALUE as a label'),
    name: single('string', asIs, 'Name of the volume; as the argument'),
    opt: list('map', parseAssignment, 'What is mounted: type=nfs, device=:/path, o=addr=10.0.0.1', { short: 'o' }),
  },
  refused: {
    values: [
      'availability',
      'group',
      'limit-bytes',
      'required-bytes',
      'scope',
      'secret',
      'sharing',
      'topology-preferred',
      'topology-required',
      'type',
    ],
  },
  examples: [
    { line: 'volume create data && onggi run -v data:/var/lib/data alpine', says: 'Keep data beyond a container' },
  ],
  async run({ flags, args: [argument], context }) {
    if (argument !== undefined && flags.name !== undefined) {
      throw new OnggiError(
        'invalid',
        'conflicting options: cannot specify a volume-name through both --name and as a positional arg',
      );
    }
    const name = argument ?? flags.name;
    const { driver = 'local' } = flags;
    if (driver !== 'local' && driver !== '') {
      const asked = `create ${name ?? ''}: error looking up volume plugin ${driver}`;
      throw new OnggiError('not-found', `${asked}: plugin "${driver}" not found`, {
        hint: 'There is the driver local.',
      });
    }
    const engine = await context.engine();
    const volume = await engine.volumes.create({
      ...(name !== undefined && name !== '' && { name }),
      labels: recordOf(flags.label),
      options: recordOf(flags.opt),
    });
    context.stdout.print(`${volume.name}\n`);
    return 0;
  },
});

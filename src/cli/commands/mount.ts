import { OnggiError } from '../../errors.ts';
import { defineCommand, single, toggle } from '../definition.ts';
import { forEachRef } from '../each.ts';
import { oneOf } from '../value/number.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [CONTAINER...]',
  positionals: { min: 0, max: null },
  completes: 'containers',
  latest: 'all',
  flags: {
    all: toggle('Mount all containers', { short: 'a' }),
    format: single('string', oneOf('format', ['json']), "Print those that are mounted as 'json'"),
    latest: toggle('Mount the container that was created last', { short: 'l' }),
    'no-trunc': toggle('Show IDs in full'),
  },
  examples: [{ line: 'ls $(onggi mount web)/etc', says: 'Look into a container from outside' }],
  async run({ flags, args, context }) {
    const engine = await context.engine();
    if (flags.all && args.length > 0) throw new OnggiError('invalid', '--all and containers cannot be used together');
    const refs = flags.all ? (await engine.containers.list({ all: true })).map(({ id }) => id) : args;
    if (refs.length > 0 || flags.all) {
      return await forEachRef(refs, context, (ref) => engine.containers.mount(ref), {
        print: (_, path) => `${path}\n`,
      });
    }
    const mounted = await engine.containers.mounted();
    if (flags.format === 'json') {
      const list = mounted.map(({ id, name, path }) => ({ id, names: [name], mountpoint: path }));
      context.stdout.print(`${JSON.stringify(list, null, 1)}\n`);
      return 0;
    }
    const rows = mounted.map(({ id, path }) => `${flags['no-trunc'] ? id : id.slice(0, 12)}  ${path}\n`);
    context.stdout.print(rows.join(''));
    return 0;
  },
});

import { OnggiError } from '../../errors.ts';
import { defineCommand, single, toggle } from '../definition.ts';
import { forEachRef } from '../each.ts';
import { oneOf } from '../value/number.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [IMAGE...]',
  positionals: { min: 0, max: null },
  completes: 'images',
  flags: {
    all: toggle('Mount all images', { short: 'a' }),
    format: single('string', oneOf('format', ['json']), "Print those that are mounted as 'json'"),
  },
  async run({ flags, args, context }) {
    const engine = await context.engine();
    if (flags.all && args.length > 0) throw new OnggiError('invalid', '--all and images cannot be used together');
    const refs = flags.all ? (await engine.images.list()).map(({ id }) => id) : args;
    if (refs.length > 0 || flags.all) {
      const print = (ref: string, path: string) => (refs.length === 1 ? `${path}\n` : `${ref}  ${path}\n`);
      return await forEachRef(refs, context, (ref) => engine.images.mount(ref), { print });
    }
    const mounted = await engine.images.mounted();
    if (flags.format === 'json') {
      const list = mounted.map(({ id, names, path }) => ({ id: id.slice(7), Repositories: names, mountpoint: path }));
      context.stdout.print(`${JSON.stringify(list, null, 1)}\n`);
      return 0;
    }
    const rows = mounted.map(({ id, names, path }) => `${names[0] ?? id.slice(7, 19)}  ${path}\n`);
    context.stdout.print(rows.join(''));
    return 0;
  },
});

import { OnggiError } from '../../errors.ts';
import { defineCommand, toggle } from '../definition.ts';

export const command = defineCommand({
  usage: '[OPTIONS] SECRET [SECRET...]',
  positionals: { min: 0, max: null },
  completes: 'secrets',
  flags: {
    all: toggle('Remove all secrets', { short: 'a' }),
    ignore: toggle('A secret that is not there is no failure', { short: 'i' }),
  },
  async run({ flags: { all, ignore }, args, context }) {
    if (all === args.length > 0) {
      const message = all ? '`secret rm --all` takes no names' : '`secret rm` requires at least one argument, or --all';
      throw new OnggiError('invalid', message);
    }
    const engine = await context.engine();
    const refs = all ? (await engine.secrets.list()).map(({ id }) => id) : args;
    let failed = false;
    for (const ref of refs) {
      try {
        context.stdout.print(`${await engine.secrets.remove(ref)}\n`);
      } catch (error) {
        if (ignore && error instanceof OnggiError && error.code === 'not-found') continue;
        context.report(error);
        failed = true;
      }
    }
    return failed ? 1 : 0;
  },
});

import { OnggiError } from '../../../errors.ts';
import { asIs, defineCommand, single, toggle } from '../../definition.ts';
import { authFile } from './login.ts';

export const command = defineCommand({
  usage: '[command options] REGISTRY',
  positionals: { min: 0, max: 1 },
  flags: {
    all: toggle('Remove the cached credentials for all registries in the auth file', { short: 'a' }),
    authfile: single('string', asIs, 'Path of the file that keeps the credentials'),
  },
  // Nothing is asked of the registry.
  refused: { switches: ['tls-verify'], harmless: { 'tls-verify': ['true', 'false'] } },
  async run({ flags, args: [server], context }) {
    const engine = await context.engine();
    const place = authFile(flags.authfile, context);
    if (flags.all) {
      if (server !== undefined) throw new OnggiError('invalid', '--all takes no arguments');
      await engine.registries.logoutAll(place);
      context.stdout.print('Removed login credentials for all registries\n');
      return 0;
    }
    if (server === undefined) throw new OnggiError('invalid', 'please provide a registry to log out from');
    if (!(await engine.registries.logout(server, place))) {
      throw new OnggiError('not-found', `not logged into ${server}`);
    }
    context.stdout.print(`Removed login credentials for ${server}\n`);
    return 0;
  },
});

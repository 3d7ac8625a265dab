import { OnggiError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { asIs, defineCommand, single, toggle } from '../definition.ts';
import { askFor, readPassword } from '../login-input.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [SERVER]',
  positionals: { min: 0, max: 1 },
  flags: {
    password: single('string', asIs, 'Password; others can see it in the list of processes', { short: 'p' }),
    'password-stdin': toggle('Read the password from standard input'),
    username: single('string', asIs, 'User name', { short: 'u' }),
  },
  examples: [
    {
      line: 'login -u me --password-stdin registry.example:5000 < token',
      says: 'The password never shows on a screen',
    },
  ],
  async run({ flags, args: [server = ''], context }) {
    const { password, username, 'password-stdin': fromInput } = flags;
    if (password !== undefined && fromInput) {
      throw new OnggiError('invalid', '--password and --password-stdin are mutually exclusive');
    }
    if (fromInput && (username === undefined || username === '')) {
      throw new OnggiError('invalid', '--password-stdin needs --username');
    }
    if (password !== undefined) {
      context.stderr.print('WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n');
    }
    const engine = await context.engine();
    if (username === undefined && password === undefined && (await usesKept(server, context))) return 0;
    const given = fromInput ? await readPassword(context) : password;
    const credentials =
      username === undefined || given === undefined
        ? await askFor(context, username, given)
        : { username, password: given };
    if (credentials.username === '' || credentials.password === '') {
      throw new OnggiError('invalid', `log in to "${server || 'docker.io'}": user name and password must not be empty`);
    }
    const { place, encrypted } = await engine.registries.login(server, { credentials });
    if (!encrypted) {
      context.stderr.print(`WARNING! The password is kept unencrypted in ${place}.\n`);
      context.stderr.print('A credential helper, named there as "credsStore", keeps it safe.\n');
    }
    context.stdout.print('Login Succeeded\n');
    return 0;
  },
});

/** Tries what is kept already, as Docker does. @returns false when nothing is, or when it is wrong and we can ask */
async function usesKept(server: string, context: Context): Promise<boolean> {
  const engine = await context.engine();
  const user = await engine.registries.user(server);
  if (user === null) return false;
  context.stdout.print(`Authenticating with existing credentials...${user === '' ? '' : ` [Username: ${user}]`}\n`);
  try {
    await engine.registries.login(server);
  } catch (error) {
    if (!(error instanceof OnggiError) || error.code !== 'unauthorized' || !context.stdin.isTerminal()) throw error;
    context.stderr.print('They are refused.\n');
    return false;
  }
  context.stdout.print('Login Succeeded\n');
  return true;
}

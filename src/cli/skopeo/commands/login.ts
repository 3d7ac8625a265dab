import { resolve } from 'node:path';
import { OnggiError } from '../../../errors.ts';
import type { Context } from '../../context.ts';
import { asIs, defineCommand, single, toggle } from '../../definition.ts';
import { askFor, readPassword } from '../../login-input.ts';

export const command = defineCommand({
  usage: '[command options] REGISTRY',
  positionals: { min: 1, max: 1 },
  flags: {
    authfile: single('string', asIs, 'Path of the file that keeps the credentials'),
    'cert-dir': single('string', asIs, 'Directory of certificates for the registry'),
    'get-login': toggle('Return the current login user for the registry'),
    password: single('string', asIs, 'Password for the registry', { short: 'p' }),
    'password-stdin': toggle('Take the password from standard input'),
    'tls-verify': toggle('Require HTTPS and verify certificates of the registry', { initial: true }),
    username: single('string', asIs, 'Username for the registry', { short: 'u' }),
    verbose: toggle('Write more detailed information to stdout', { short: 'v' }),
  },
  async run({ flags, args: [server = ''], context }) {
    const engine = await context.engine();
    const place = authFile(flags.authfile, context);
    if (flags['get-login']) {
      const user = await engine.registries.user(server, place);
      if (user === null) throw new OnggiError('unauthorized', `not logged into ${server}`);
      context.stdout.print(`${user}\n`);
      return 0;
    }
    const credentials = await given(flags, context);
    const certificates = flags['cert-dir'];
    const { place: kept } = await engine.registries.login(server, {
      ...place,
      ...(credentials !== undefined && { credentials }),
      access: {
        insecure: !flags['tls-verify'],
        ...(certificates !== undefined && { certificates: resolve(context.directory, certificates) }),
      },
    });
    if (flags.verbose) context.stdout.print(`Used: ${kept}\n`);
    context.stdout.print('Login Succeeded!\n');
    return 0;
  },
});

type Given = {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly 'password-stdin': boolean;
};

async function given(flags: Given, context: Context) {
  const { username, password, 'password-stdin': fromInput } = flags;
  if (fromInput && (password !== undefined || username === undefined)) {
    throw new OnggiError('invalid', '--password-stdin goes with --username and without --password');
  }
  if (fromInput && username !== undefined) return { username, password: await readPassword(context) };
  if (username !== undefined && password !== undefined) return { username, password };
  return await askFor(context, username, password);
}

/** $REGISTRY_AUTH_FILE counts as the flag does. */
export function authFile(
  flag: string | undefined,
  { directory, env }: Pick<Context, 'directory' | 'env'>,
): { readonly credentialsFile?: string } {
  const chosen = flag ?? env['REGISTRY_AUTH_FILE'];
  return chosen === undefined || chosen === '' ? {} : { credentialsFile: resolve(directory, chosen) };
}

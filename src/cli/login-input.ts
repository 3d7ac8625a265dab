/** User name and password for a registry, as people give them: asked for on a terminal, or piped in. */
import { OnggiError } from '../errors.ts';
import type { Context } from './context.ts';
import { openPrompt } from './prompt.ts';

/** More is no password, but a file that was piped in by mistake. */
const inputLimit = 64 * 1024;

/** @param username known already, and `password`: not asked for then. @throws OnggiError `invalid` without a terminal */
export async function askFor(
  context: Context,
  username: string | undefined,
  password: string | undefined,
): Promise<{ readonly username: string; readonly password: string }> {
  if (!context.stdin.isTerminal()) {
    throw new OnggiError('invalid', 'log in: user name and password can be asked for on a terminal only', {
      hint: 'Use --username and --password-stdin.',
    });
  }
  using prompt = await openPrompt(context);
  const name = username ?? (await prompt.ask('Username: ', { echo: true })).trim();
  return { username: name, password: password ?? (await prompt.ask('Password: ', { echo: false })) };
}

/** The first and only line of standard input. @throws OnggiError `invalid` */
export async function readPassword(context: Context): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of context.stdin.chunks()) {
    pieces.push(piece);
    size += piece.length;
    if (size > inputLimit) throw new OnggiError('invalid', `password on standard input: over ${inputLimit} bytes`);
  }
  return Buffer.concat(pieces)
    .toString()
    .replace(/\r?\n$/, '');
}

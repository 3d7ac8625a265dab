/** Files of Apache's htpasswd(1) with bcrypt passwords (`htpasswd -B`). Pure. */
import { OnggiError } from '../../errors.ts';

/** User -> bcrypt hash. */
export type Passwords = ReadonlyMap<string, string>;

/** crypt(5): $2y$COST$ and 22 characters of salt, 31 of hash. */
const bcrypt = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
/** A cost of 14 takes a second here for each guess, and for each first request of a user. */
const highestCost = 14;

/** @throws OnggiError `invalid` with the line number; never with what stands there */
export function parsePasswords(text: string, path: string): Passwords {
  const passwords = new Map<string, string>();
  for (const [index, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const place = `password file "${path}", line ${index + 1}`;
    const colon = trimmed.indexOf(':');
    if (colon < 1) throw new OnggiError('invalid', `${place}: not of the form USER:HASH`);
    const hash = trimmed.slice(colon + 1);
    const cost = bcrypt.exec(hash)?.[1];
    if (cost === undefined) {
      throw new OnggiError('invalid', `${place}: not a bcrypt hash`, { hint: 'Make it with: htpasswd -B' });
    }
    if (Number(cost) > highestCost) {
      throw new OnggiError('invalid', `${place}: bcrypt cost ${cost}, at most ${highestCost}`);
    }
    passwords.set(trimmed.slice(0, colon), hash);
  }
  return passwords;
}

export type Login = { readonly user: string; readonly password: string };

/** Of an Authorization header; undefined when it is not of the basic scheme (RFC 7617). */
export function parseBasic(header: string | undefined): Login | undefined {
  const match = /^basic +([A-Za-z0-9+/]{1,1400}={0,2})$/i.exec(header ?? '');
  if (match === null) return undefined;
  const text = Buffer.from(match[1] ?? '', 'base64').toString();
  const colon = text.indexOf(':');
  return colon === -1 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/**
 * Who may ask: users of a htpasswd file, by basic authentication. A guess costs bcrypt's time, so few are checked at a
 * time and what was right is remembered for a while.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { compare } from 'bcryptjs';
import { fromSystemError } from '../../errors.ts';
import { type Passwords, parseBasic, parsePasswords } from './htpasswd.ts';

export type Verdict = 'granted' | 'wanted' | 'busy';

export type Authentication = { check(authorization: string | undefined): Promise<Verdict> };

/** Checks at the same time, running and waiting. */
const mostChecks = 32;
/** Milliseconds for which a right password is remembered, and between two looks at the file. */
const remembered = 60_000;
const fileInterval = 1000;

/** What an unknown user's password is compared with, so that the time does not tell who exists. */
const nobody = '$2b$10$abcdefghijklmnopqrstuuL7DFuaWv5yxyXZ1ZpLbzdD7HfXvRl0u';

/**
 * @param path read at once and again when it has changed; if it can't be read then, the users of before stay
 * @throws OnggiError `not-found`, `denied`, `invalid`
 */
export function passwordAuthentication(path: string, report: (error: unknown) => void): Authentication {
  const users = watchPasswords(path, report);
  const key = randomBytes(32);
  const known = new Map<string, { readonly hash: string; readonly until: number }>();
  let checks = 0;
  return {
    async check(authorization) {
      const login = parseBasic(authorization);
      if (login === undefined) return 'wanted';
      const hash = users().get(login.user);
      const now = Date.now();
      // The password itself is not kept, in memory either.
      const mark = createHmac('sha256', key).update(`${login.user}\0${login.password}`).digest('base64');
      const seen = known.get(mark);
      if (seen !== undefined && seen.hash === hash && seen.until > now) return 'granted';
      if (checks >= mostChecks) return 'busy';
      checks += 1;
      try {
        // bcrypt reads 72 bytes; what is longer is nobody's password.
        const right = await compare(login.password.slice(0, 1000), hash ?? nobody);
        if (!right || hash === undefined) return 'wanted';
      } finally {
        checks -= 1;
      }
      if (known.size >= 10_000) known.clear();
      known.set(mark, { hash, until: now + remembered });
      return 'granted';
    },
  };
}

function watchPasswords(path: string, report: (error: unknown) => void): () => Passwords {
  const read = (): { readonly stamp: string; readonly passwords: Passwords } => {
    try {
      const { mtimeMs, ino, size } = statSync(path);
      return { stamp: `${mtimeMs} ${ino} ${size}`, passwords: parsePasswords(readFileSync(path, 'utf8'), path) };
    } catch (error) {
      throw fromSystemError(error, `read password file "${path}"`);
    }
  };
  let current = read();
  let looked = Date.now();
  return () => {
    const now = Date.now();
    if (now - looked < fileInterval) return current.passwords;
    looked = now;
    try {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat !== undefined && `${stat.mtimeMs} ${stat.ino} ${stat.size}` !== current.stamp) current = read();
    } catch (error) {
      report(error);
    }
    return current.passwords;
  };
}

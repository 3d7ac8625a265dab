/** Flags that Skopeo's commands have in common, and what they mean. Pure. */
import { resolve } from 'node:path';
import type { CopyImageOptions, RegistryOptions } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { parseCredentials } from '../copy-flags.ts';
import { asIs, type Flags, type Refused, single, toggle } from '../definition.ts';

/** @param prefix "src-", "dest-" or "" */
export function sideFlags(prefix: string): Flags {
  const of = prefix === 'src-' ? ' of the source' : prefix === 'dest-' ? ' of the destination' : '';
  return {
    [`${prefix}authfile`]: single('string', asIs, `Path of the file with credentials for the registry${of}`),
    [`${prefix}creds`]: single('USERNAME[:PASSWORD]', asIs, `Credentials for the registry${of}`),
    [`${prefix}no-creds`]: toggle(`Access the registry${of} anonymously`),
    [`${prefix}password`]: single('string', asIs, `Password for the registry${of}`),
    [`${prefix}tls-verify`]: toggle(`Require HTTPS and verify certificates of the registry${of}`, { initial: true }),
    [`${prefix}username`]: single('string', asIs, `User name for the registry${of}`),
  };
}

/** Of each side, known and not kept. */
export function refusedOfSide(prefix: string): readonly string[] {
  return ['cert-dir', 'daemon-host', 'registry-token', 'shared-blob-dir'].map((name) => `${prefix}${name}`);
}

export const commonFlags = {
  platform: single('string', asIs, 'Platform of an image that has several (linux/arm64)'),
  'retry-times': single('int', count, 'How often to try again what may go better', { shown: '0' }),
} as const;

/** Known and not kept, nor are signatures by GPG and by Fulcio. */
export const encryptionFlags = [
  'decryption-key',
  'encrypt-layer',
  'encryption-key',
  'sign-by',
  'sign-by-sigstore',
] as const;

/** Many images are not signed in one go. */
export const signingFlags = [
  ...encryptionFlags,
  'sign-by-sigstore-private-key',
  'sign-identity',
  'sign-passphrase-file',
] as const;

/** The policy of the program's own flags: --policy, --insecure-policy. */
export function policyOption(flags: Readonly<Record<string, unknown>>): Pick<CopyImageOptions, 'policy'> {
  const { policy } = flags;
  return policy === null || typeof policy === 'string' ? { policy } : {};
}

export function refused(...values: readonly (readonly string[])[]): Refused {
  return { values: values.flat() };
}

/** @throws OnggiError `invalid` for flags that exclude each other */
export function sideOptions(
  flags: Readonly<Record<string, unknown>>,
  prefix: string,
  context: Pick<Context, 'directory'>,
): RegistryOptions {
  const word = (name: string): string | undefined => {
    const value = flags[name];
    return typeof value === 'string' ? value : undefined;
  };
  const creds = word(`${prefix}creds`);
  const username = word(`${prefix}username`);
  const password = word(`${prefix}password`);
  const anonymous = flags[`${prefix}no-creds`] === true;
  const ways = [creds !== undefined, username !== undefined || password !== undefined, anonymous].filter(Boolean);
  if (ways.length > 1) {
    throw new OnggiError('invalid', `--${prefix}creds, --${prefix}username and --${prefix}no-creds exclude each other`);
  }
  if ((username === undefined) !== (password === undefined)) {
    throw new OnggiError('invalid', `--${prefix}username and --${prefix}password go together`);
  }
  const file = word(`${prefix}authfile`) ?? word('authfile');
  const given = creds !== undefined ? parseCredentials(creds) : undefined;
  const pair = username !== undefined && password !== undefined ? { username, password } : given;
  return {
    ...(pair !== undefined && { credentials: pair }),
    ...(anonymous && { credentials: null }),
    ...(file !== undefined && { credentialsFile: resolve(context.directory, file) }),
    ...(flags[`${prefix}tls-verify`] === false && { insecure: true }),
  };
}

function count(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new OnggiError('invalid', 'not a whole number');
}

/** As often again as was asked for, when the failure may pass; waits 1 s, 2 s, 4 s, ... as Skopeo does. */
export async function retried<T>(times: number | undefined, work: () => Promise<T>): Promise<T> {
  for (let tried = 0; ; tried += 1) {
    try {
      return await work();
    } catch (error) {
      const mayPass = error instanceof OnggiError && error.code === 'unavailable';
      if (!mayPass || tried >= (times ?? 0)) throw error;
      await new Promise((done) => setTimeout(done, 1000 * 2 ** Math.min(tried, 6)));
    }
  }
}

/** Flags that Skopeo's commands have in common, and what they mean. Pure. */
import { resolve } from 'node:path';
import type { CopyImageOptions, RegistryOptions } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { parseCredentials } from '../copy-flags.ts';
import { asIs, type Flags, type Refused, type Single, single, toggle } from '../definition.ts';

/** @param prefix "src-", "dest-" or "" */
export function sideFlags(prefix: string): Flags {
  const of = prefix === 'src-' ? ' of the source' : prefix === 'dest-' ? ' of the destination' : '';
  return {
    [`${prefix}authfile`]: single('string', asIs, `Path of the file with credentials for the registry${of}`),
    [`${prefix}cert-dir`]: single('PATH', asIs, `Certificates (*.crt, *.cert, *.key) for the registry${of}`),
    [`${prefix}creds`]: single('USERNAME[:PASSWORD]', asIs, `Credentials for the registry${of}`),
    [`${prefix}no-creds`]: toggle(`Access the registry${of} anonymously`),
    [`${prefix}password`]: single('string', asIs, `Password for the registry${of}`),
    [`${prefix}registry-token`]: single('string', asIs, `Bearer token for the registry${of}`),
    [`${prefix}tls-verify`]: toggle(`Require HTTPS and verify certificates of the registry${of}`, { initial: true }),
    [`${prefix}username`]: single('string', asIs, `User name for the registry${of}`),
  };
}

/** Of each side, known and not kept: there is no docker-daemon: here. */
export function refusedOfSide(prefix: string): readonly string[] {
  return [`${prefix}daemon-host`];
}

/** Where blobs of an `oci:` lie that layouts share. */
export function sharedFlag<P extends string>(prefix: P): { readonly [K in `${P}shared-blob-dir`]: Single<string> } {
  const flag = single('DIRECTORY', asIs, "Directory of blobs that layouts ('oci') share");
  return { [`${prefix}shared-blob-dir`]: flag } as { readonly [K in `${P}shared-blob-dir`]: Single<string> };
}

export const commonFlags = {
  platform: single('string', asIs, 'Platform of an image that has several (linux/arm64)'),
  'retry-times': single('int', count, 'How often to try again what may go better', { shown: '0' }),
} as const;

/** Known and not kept. */
export const encryptionFlags = ['decryption-key', 'encrypt-layer', 'encryption-key'] as const;

/** What the program's own flags say: --policy, --insecure-policy, --registries.d. */
export function policyOption(
  flags: Readonly<Record<string, unknown>>,
): Pick<CopyImageOptions, 'policy' | 'registriesDirectory'> {
  const { policy, registriesDirectory } = flags;
  return {
    ...((policy === null || typeof policy === 'string') && { policy }),
    ...(typeof registriesDirectory === 'string' && { registriesDirectory }),
  };
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
  const token = word(`${prefix}registry-token`);
  const anonymous = flags[`${prefix}no-creds`] === true;
  const named = username !== undefined || password !== undefined;
  if ([creds !== undefined, named, token !== undefined, anonymous].filter(Boolean).length > 1) {
    const names = ['creds', 'username', 'registry-token', 'no-creds'].map((name) => `--${prefix}${name}`);
    throw new OnggiError('invalid', `${names.join(', ')} exclude each other`);
  }
  if ((username === undefined) !== (password === undefined)) {
    throw new OnggiError('invalid', `--${prefix}username and --${prefix}password go together`);
  }
  const file = word(`${prefix}authfile`) ?? word('authfile');
  const certificates = word(`${prefix}cert-dir`);
  const shared = word(`${prefix}shared-blob-dir`);
  const given = creds !== undefined ? parseCredentials(creds) : undefined;
  const pair = username !== undefined && password !== undefined ? { username, password } : given;
  return {
    ...(pair !== undefined && { credentials: pair }),
    ...(token !== undefined && { credentials: { registryToken: token } }),
    ...(anonymous && { credentials: null }),
    ...(certificates !== undefined && { certificates: resolve(context.directory, certificates) }),
    ...(shared !== undefined && { sharedBlobs: resolve(context.directory, shared) }),
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

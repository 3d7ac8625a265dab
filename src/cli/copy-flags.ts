/** Flags that `image copy` and Skopeo's commands have in common, and what they mean. Pure. */
import { resolve } from 'node:path';
import type { CopyImageOptions, RegistryOptions } from '../engine/types.ts';
import { OnggiError } from '../errors.ts';
import type { Context } from './context.ts';
import { asIs, type Single, type Switch, single, toggle, type Values } from './definition.ts';

export const copyFlags = {
  all: toggle('Copy the images of all platforms', { short: 'a' }),
  'dest-compress-format': single('format', oneOf('gzip', 'zstd'), 'Compress the layers so (gzip, zstd)'),
  'dest-compress-level': single('level', wholeNumber, 'Level of that compression'),
  'dest-decompress': toggle('Decompress the layers'),
  format: single('type', oneOf('oci', 'v2s2'), 'Types of the manifests at the destination (oci, v2s2)', { short: 'f' }),
  'preserve-digests': toggle('Fail rather than change a digest'),
  'remove-signatures': toggle('Leave signatures and attestations behind'),
  'sign-by': single('key', asIs, "Sign the image with this key of the user's GPG keyring"),
  'sign-by-sigstore': single('path', asIs, 'Sign the image with the key that this file of parameters (YAML) names'),
  'sign-by-sigstore-private-key': single('path', asIs, 'Sign the image at the destination with this key'),
  'sign-identity': single('name', asIs, 'Name that is signed, where it is not that of the destination'),
  'sign-passphrase-file': single('path', asIs, 'File whose first line decrypts that key (default $COSIGN_PASSWORD)'),
} as const;

/** Those of them that say how the image is copied. */
type CopyFlags = Omit<Values<typeof copyFlags>, `sign-${string}`>;

export function copyOptions(flags: CopyFlags): CopyImageOptions {
  const { all, format } = flags;
  const level = flags['dest-compress-level'];
  const wanted = flags['dest-compress-format'] ?? (level === undefined ? undefined : 'gzip');
  if (flags['dest-decompress'] && wanted !== undefined) {
    throw new OnggiError('invalid', 'flags --dest-decompress and --dest-compress-format exclude each other');
  }
  const compression = flags['dest-decompress']
    ? { format: 'none' as const }
    : wanted === undefined
      ? undefined
      : { format: wanted, ...(level !== undefined && { level }) };
  return {
    instances: all ? 'all' : 'system',
    preserveDigests: flags['preserve-digests'],
    referrers: !flags['remove-signatures'],
    ...(compression !== undefined && { format: compression }),
    ...(format !== undefined && { manifests: format }),
  };
}

type Side = 'src' | 'dest';

type RegistryFlags<S extends string> = {
  readonly [K in `${S}-creds` | `${S}-authfile`]: Single<string>;
} & { readonly [K in `${S}-no-creds` | `${S}-tls-verify`]: Switch };

/** Flags about the registry of one side. */
export function registryFlags<S extends Side>(side: S, what: string): RegistryFlags<S> {
  return {
    [`${side}-creds`]: single('user[:password]', asIs, `Credentials for the registry of the ${what}`),
    [`${side}-authfile`]: single('path', asIs, `File with credentials for the registry of the ${what}`),
    [`${side}-no-creds`]: toggle(`Ask the registry of the ${what} without credentials`),
    [`${side}-tls-verify`]: toggle(`Speak only TLS with the registry of the ${what}, and check its certificate`, {
      initial: true,
    }),
  } as RegistryFlags<S>;
}

export function registryOptions(
  flags: Readonly<Record<string, unknown>>,
  side: Side,
  context: Pick<Context, 'directory'>,
): RegistryOptions {
  const word = (name: string): string | undefined => {
    const value = flags[name];
    return typeof value === 'string' ? value : undefined;
  };
  const creds = word(`${side}-creds`);
  const file = word(`${side}-authfile`) ?? word('authfile');
  const anonymous = flags[`${side}-no-creds`] === true;
  if (anonymous && creds !== undefined) {
    throw new OnggiError('invalid', `flags --${side}-creds and --${side}-no-creds exclude each other`);
  }
  return {
    ...(creds !== undefined && { credentials: parseCredentials(creds) }),
    ...(anonymous && { credentials: null }),
    ...(file !== undefined && { credentialsFile: resolve(context.directory, file) }),
    ...(flags[`${side}-tls-verify`] === false && { insecure: true }),
  };
}

/** @throws OnggiError `invalid`; the password is in no message */
export function parseCredentials(text: string): { readonly username: string; readonly password: string } {
  const colon = text.indexOf(':');
  if (colon < 1) throw new OnggiError('invalid', 'credentials: not USER:PASSWORD');
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function oneOf<const T extends string>(...words: readonly T[]): (text: string) => T {
  return (text) => {
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    throw new OnggiError('invalid', `not one of ${words.join(', ')}`);
  };
}

function wholeNumber(text: string): number {
  if (/^\d{1,2}$/.test(text)) return Number(text);
  throw new OnggiError('invalid', 'not a whole number');
}

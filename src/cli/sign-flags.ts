/** The flags of a copy that sign what was copied. */
import { resolve } from 'node:path';
import type { CopyImageOptions } from '../engine/types.ts';
import { OnggiError } from '../errors.ts';
import type { Context } from './context.ts';
import type { copyFlags } from './copy-flags.ts';
import type { Values } from './definition.ts';

type SignFlags = Pick<Values<typeof copyFlags>, `sign-${string}` & keyof typeof copyFlags>;

/** @throws OnggiError `invalid` for flags that don't go together; what reading keys' files throws */
export async function signOptions(
  flags: SignFlags,
  context: Context,
): Promise<Pick<CopyImageOptions, 'sign' | 'signBy'>> {
  const key = flags['sign-by-sigstore-private-key'];
  const fingerprint = flags['sign-by'];
  const parameters = flags['sign-by-sigstore'];
  const named = flags['sign-identity'];
  const file = flags['sign-passphrase-file'];
  const own = key !== undefined || fingerprint !== undefined;
  if (!own && file !== undefined) {
    throw new OnggiError('invalid', 'flag --sign-passphrase-file needs --sign-by or --sign-by-sigstore-private-key');
  }
  if (!own && parameters === undefined) {
    if (named === undefined) return {};
    throw new OnggiError(
      'invalid',
      'flag --sign-identity needs --sign-by, --sign-by-sigstore or --sign-by-sigstore-private-key',
    );
  }
  if (key !== undefined && fingerprint !== undefined && file !== undefined) {
    throw new OnggiError('invalid', 'flag --sign-passphrase-file: of which key? Sign with one of them at a time');
  }
  const identity = named === undefined ? {} : { identity: named };
  const { openPassphrases, readPassphrase } = await import('./passphrase.ts');
  const keys: { readonly key: string; readonly passphraseFile: string | undefined }[] = [];
  if (parameters !== undefined) {
    const { readSigningParameters } = await import('./signing-parameters.ts');
    keys.push(readSigningParameters(parameters, context));
  }
  if (key !== undefined) keys.push({ key, passphraseFile: file });
  const sign: NonNullable<CopyImageOptions['sign']>[number][] = [];
  using passphrases = openPassphrases(context);
  for (const each of keys) {
    const passphrase = await passphrases.of(each.key, each.passphraseFile);
    sign.push({ key: resolve(context.directory, each.key), ...(passphrase !== null && { passphrase }), ...identity });
  }
  // gpg asks by itself for what it does not get; COSIGN_PASSWORD is not meant for it.
  const secret = fingerprint === undefined || file === undefined ? null : readPassphrase(file, context);
  return {
    ...(sign.length > 0 && { sign }),
    ...(fingerprint !== undefined && {
      signBy: { fingerprint, ...(secret !== null && { passphrase: secret }), ...identity },
    }),
  };
}

/** The flags of a copy that sign what was copied. */
import { resolve } from 'node:path';
import type { CopyImageOptions } from '../engine/types.ts';
import { OnggiError } from '../errors.ts';
import type { Context } from './context.ts';
import type { copyFlags } from './copy-flags.ts';
import type { Values } from './definition.ts';
import { readPassphrase } from './passphrase.ts';

type SignFlags = Pick<Values<typeof copyFlags>, `sign-${string}` & keyof typeof copyFlags>;

export function signOptions(flags: SignFlags, context: Context): Pick<CopyImageOptions, 'sign' | 'signBy'> {
  const key = flags['sign-by-sigstore-private-key'];
  const fingerprint = flags['sign-by'];
  const named = flags['sign-identity'];
  const file = flags['sign-passphrase-file'];
  if (key === undefined && fingerprint === undefined) {
    if (named === undefined && file === undefined) return {};
    throw new OnggiError(
      'invalid',
      'flags --sign-identity and --sign-passphrase-file need --sign-by or --sign-by-sigstore-private-key',
    );
  }
  if (key !== undefined && fingerprint !== undefined && file !== undefined) {
    throw new OnggiError('invalid', 'flag --sign-passphrase-file: of which key? Sign with one of them at a time');
  }
  const identity = named === undefined ? {} : { identity: named };
  // gpg asks by itself for what it does not get; COSIGN_PASSWORD is not meant for it.
  const secret = fingerprint !== undefined && file === undefined ? null : readPassphrase(file, context);
  const ofKey = key !== undefined && fingerprint !== undefined ? readPassphrase(undefined, context) : secret;
  return {
    ...(key !== undefined && {
      sign: { key: resolve(context.directory, key), ...(ofKey !== null && { passphrase: ofKey }), ...identity },
    }),
    ...(fingerprint !== undefined && {
      signBy: { fingerprint, ...(secret !== null && { passphrase: secret }), ...identity },
    }),
  };
}

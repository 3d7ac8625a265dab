/** The flags of a copy that sign what was copied. */
import { resolve } from 'node:path';
import type { CopyImageOptions } from '../engine/types.ts';
import { OnggiError } from '../errors.ts';
import type { Context } from './context.ts';
import type { copyFlags } from './copy-flags.ts';
import type { Values } from './definition.ts';
import { readPassphrase } from './passphrase.ts';

type SignFlags = Pick<Values<typeof copyFlags>, `sign-${string}` & keyof typeof copyFlags>;

export function signOptions(flags: SignFlags, context: Context): Pick<CopyImageOptions, 'sign'> {
  const key = flags['sign-by-sigstore-private-key'];
  const identity = flags['sign-identity'];
  const file = flags['sign-passphrase-file'];
  if (key === undefined) {
    if (identity === undefined && file === undefined) return {};
    throw new OnggiError(
      'invalid',
      'flags --sign-identity and --sign-passphrase-file need --sign-by-sigstore-private-key',
    );
  }
  const passphrase = readPassphrase(file, context);
  return {
    sign: {
      key: resolve(context.directory, key),
      ...(passphrase !== null && { passphrase }),
      ...(identity !== undefined && { identity }),
    },
  };
}

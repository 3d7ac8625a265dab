/** The passphrase of a private key: never on the command line, where every user of the machine could read it. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fromSystemError } from '../errors.ts';
import type { Context } from './context.ts';

/** The first line of the file, else what cosign's variable COSIGN_PASSWORD says; null when there is neither. */
export function readPassphrase(file: string | undefined, { directory, env }: Context): string | null {
  if (file === undefined) return env['COSIGN_PASSWORD'] ?? null;
  try {
    return readFileSync(resolve(directory, file), 'utf8').split(/\r?\n/)[0] ?? '';
  } catch (error) {
    throw fromSystemError(error, `read passphrase "${file}"`);
  }
}

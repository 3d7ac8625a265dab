/**
 * Passphrases of private keys: never on the command line, where every user of the machine could read them. From a file,
 * from cosign's variable COSIGN_PASSWORD, or asked for on the terminal.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fromSystemError, OnggiError } from '../errors.ts';
import type { Context } from './context.ts';
import { openPrompt, type Prompt } from './prompt.ts';

/** The first line of the file, else what COSIGN_PASSWORD says; null when there is neither. */
export function readPassphrase(file: string | undefined, { directory, env }: Context): string | null {
  if (file === undefined) return env['COSIGN_PASSWORD'] ?? null;
  try {
    return readFileSync(resolve(directory, file), 'utf8').split(/\r?\n/)[0] ?? '';
  } catch (error) {
    throw fromSystemError(error, `read passphrase "${file}"`);
  }
}

/** One after the other, on one terminal. Disposing of it gives the terminal back. */
export type Passphrases = Disposable & {
  /**
   * Of a key that is there. Null where none is wanted, and where there is nobody to ask: whoever reads the key says so.
   * @throws OnggiError `cancelled`, what reading the file throws
   */
  of(key: string, file: string | undefined): Promise<string | null>;
  /**
   * For a new key; null where there is nobody to ask. On a terminal asked for twice.
   * @throws OnggiError `cancelled`; `invalid` when it was typed in two ways
   */
  forNew(key: string, file: string | undefined): Promise<string | null>;
};

export function openPassphrases(context: Context): Passphrases {
  let prompt: Prompt | undefined;
  const ask = async (question: string): Promise<string | null> => {
    if (!context.stdin.isTerminal()) return null;
    prompt ??= await openPrompt(context);
    return await prompt.ask(question, { echo: false });
  };
  return {
    async of(key, file) {
      const known = readPassphrase(file, context);
      if (known !== null || !isEncrypted(resolve(context.directory, key))) return known;
      return await ask(`Passphrase for key ${key}: `);
    },
    async forNew(key, file) {
      const known = readPassphrase(file, context);
      if (known !== null) return known;
      const asked = await ask(`Passphrase for key ${key} (empty for none): `);
      if (asked === null || asked === '') return null;
      if ((await ask('Once more: ')) === asked) return asked;
      throw new OnggiError('invalid', `key "${key}": the two passphrases differ; nothing was written`);
    },
    [Symbol.dispose]: () => prompt?.[Symbol.dispose](),
  };
}

/** By the words of its PEM. Whoever reads the key afterwards says what is wrong with the file. */
function isEncrypted(path: string): boolean {
  try {
    return readFileSync(path, 'latin1').includes('ENCRYPTED');
  } catch {
    return false;
  }
}

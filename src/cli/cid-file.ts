/** `--cidfile`: a file that says which container was made. Acts. */
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';

export type CidFile = Disposable & { readonly write: (id: string) => void };

/**
 * Makes the file, which must not exist; disposing closes it, and removes it if nothing was written.
 * @throws OnggiError `exists`, or what the file system says
 */
export function openCidFile(path: string): CidFile {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'wx', 0o644);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw noDirectory(error, path);
    if (errnoOf(error) !== 'EEXIST') throw fromSystemError(error, `make the container ID file '${path}'`);
    throw new OnggiError('exists', `container ID file found: '${path}'`, {
      hint: `Make sure that the other container isn't running, then delete ${path}.`,
    });
  }
  let written = false;
  return {
    write: (id) => {
      writeSync(descriptor, id);
      written = true;
    },
    [Symbol.dispose]: () => {
      closeSync(descriptor);
      if (!written) unlinkSync(path);
    },
  };
}

/** 127 with Docker. */
function noDirectory(cause: unknown, path: string): OnggiError {
  return new OnggiError(
    'missing-on-host',
    `failed to create the container ID file: open ${path}: no such file or directory`,
    {
      hint: 'Make its directory first.',
      cause,
    },
  );
}

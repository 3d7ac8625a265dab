/** Files that the user names on the command line. Acts. */
import { readFileSync } from 'node:fs';
import { fromSystemError } from '../errors.ts';

/** @throws OnggiError the code of the errno */
export function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw fromSystemError(error, `read "${path}"`);
  }
}

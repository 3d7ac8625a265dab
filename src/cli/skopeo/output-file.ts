/** Small files that a command is asked to write. Acts. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fromSystemError } from '../../errors.ts';

export function writeText(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw fromSystemError(error, `write "${path}"`);
  }
}

export function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw fromSystemError(error, `read "${path}"`);
  }
}

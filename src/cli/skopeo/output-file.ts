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

export function writeBytes(path: string, bytes: Uint8Array): void {
  try {
    writeFileSync(path, bytes);
  } catch (error) {
    throw fromSystemError(error, `write "${path}"`);
  }
}

/** Fails where there is a file already. */
export function writeNew(path: string, text: string, mode: number): void {
  try {
    writeFileSync(path, text, { mode, flag: 'wx' });
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

export function readText(path: string): string {
  return readBytes(path).toString();
}

/** A copy of our own init that is one container's alone: whoever writes to it has written to no other's. Acts. */
import { chmodSync, copyFileSync, existsSync, renameSync } from 'node:fs';
import { fromSystemError } from '../../errors.ts';
import { shimPath } from '../../kernel/addon.ts';

/** Makes it where there is none yet. @param path absolute */
export function copyInit(path: string): void {
  if (existsSync(path)) return;
  try {
    copyFileSync(shimPath(), `${path}.new`);
    chmodSync(`${path}.new`, 0o755);
    renameSync(`${path}.new`, path);
  } catch (error) {
    throw fromSystemError(error, `copy the init of --init to "${path}"`);
  }
}

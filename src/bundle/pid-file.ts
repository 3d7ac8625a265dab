/** Files that tell a caller the process id of what was started (`--pid-file`). Acts. */
import { resolve } from 'node:path';
import { replaceFile } from './state-directory.ts';

/** The digits and nothing else, as runc writes them; whoever waits for the file never sees a part of the number. */
export function writePidFile(path: string, pid: number): void {
  replaceFile(resolve(path), String(pid), 0o644);
}

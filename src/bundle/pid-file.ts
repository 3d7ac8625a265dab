/** Files that tell a caller the process id of what was started (`--pid-file`). Acts. */
import { absolutePath } from '../oci/slash-path.ts';
import { replaceFile } from './state-directory.ts';

/** The digits and nothing else, as runc writes them; whoever waits for the file never sees a part of the number. */
export function writePidFile(path: string, pid: number): void {
  replaceFile(absolutePath(path, process.cwd), String(pid), 0o644);
}

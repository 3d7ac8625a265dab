/** The world of `onggi-runtime` as a process of its own. Acts. */
import { isPrivileged } from '../../bundle/privilege.ts';
import { endProcess } from '../../bundle/process-end.ts';
import { fromSystemError } from '../../errors.ts';
import { outputOf } from '../output.ts';
import type { RuntimeWorld } from './program.ts';

export function runtimeWorld(): RuntimeWorld & { readonly end: (status: number) => never } {
  return {
    stdout: (text) => outputOf(1).print(text),
    stderr: (text) => outputOf(2).print(text),
    append: (path, text) => {
      try {
        process.getBuiltinModule('node:fs').appendFileSync(path, text, { mode: 0o644 });
      } catch (error) {
        throw fromSystemError(error, `write the log "${path}"`);
      }
    },
    env: process.env,
    privileged: isPrivileged,
    now: () => new Date(),
    end: (status) => {
      try {
        // What the engine of JavaScript would tidy up, the kernel does faster.
        return endProcess(status);
      } catch {
        // Without the native part, of which whoever needed it has told.
        return process.exit(status);
      }
    },
  };
}

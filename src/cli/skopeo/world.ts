/** The process that `skopeo` runs as. Acts. */
import { processContext } from '../process-context.ts';
import type { SkopeoWorld } from './program.ts';

export function skopeoWorld(): SkopeoWorld & { end(status: number): Promise<never> } {
  const world = processContext();
  return {
    stdout: world.stdout,
    stderr: world.stderr,
    open: () => world.open({ debug: false, root: undefined, 'storage-driver': undefined, version: false }),
    end: (status) => world.end(status),
    after: (milliseconds) => {
      // The way of Ctrl-C: what was begun is undone.
      setTimeout(() => process.kill(process.pid, 'SIGTERM'), milliseconds).unref();
    },
    keepIn: (directory) => {
      process.env['TMPDIR'] = directory;
    },
  };
}

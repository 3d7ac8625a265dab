/** Commands that do one thing to each of several containers or images. */
import type { Context } from './context.ts';

/** Stopping a hundred containers takes one timeout, not a hundred; the limit keeps descriptors in bounds. */
const atOnce = 64;

export type EachOptions<T> = {
  /** What is printed for each success, in the order of the command line. */
  readonly print?: (ref: string, result: T) => string;
  /** Failures that are shown but don't count. */
  readonly forgive?: (error: unknown) => boolean;
};

/** @returns 1 when anything failed, else 0; failures are shown and don't keep the others from being done */
export async function forEachRef<T>(
  refs: readonly string[],
  context: Context,
  act: (ref: string) => Promise<T>,
  options: EachOptions<T> = {},
): Promise<number> {
  const { print = (ref) => `${ref}\n`, forgive = () => false } = options;
  let status = 0;
  const running: Promise<{ readonly ref: string; readonly result: PromiseSettledResult<T> }>[] = [];
  const settle = async () => {
    const done = await running.shift();
    if (done === undefined) return;
    if (done.result.status === 'fulfilled') {
      context.stdout.print(print(done.ref, done.result.value));
    } else {
      context.report(done.result.reason);
      if (!forgive(done.result.reason)) status = 1;
    }
  };
  for (const ref of refs) {
    if (running.length >= atOnce) await settle();
    running.push(Promise.allSettled([act(ref)]).then(([result]) => ({ ref, result })));
  }
  while (running.length > 0) await settle();
  return status;
}

/** How long the kernel may take for what was asked of a cgroup. */

/** Processes take their time to go once they are killed; one in an uninterruptible sleep takes as long as it takes. */
const patience = 10_000;
const pause = 5;

/**
 * Looks again every few milliseconds, the first time at once: the kernel tells of dying and freezing on v2 only.
 * @returns whether `done` was reached in time
 */
export async function until(done: () => boolean): Promise<boolean> {
  const deadline = performance.now() + patience;
  while (!done()) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return true;
}

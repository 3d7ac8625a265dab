/** Counts of tests and how they are written. Pure. */

export type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number };

export const none: Counts = { passed: 0, failed: 0, skipped: 0 };

export function sum(all: readonly Counts[]): Counts {
  return all.reduce(
    (total, counts) => ({
      passed: total.passed + counts.passed,
      failed: total.failed + counts.failed,
      skipped: total.skipped + counts.skipped,
    }),
    none,
  );
}

/** The closing line of a run: "3 passed, 0 failed", ", 1 skipped" only when there is one. */
export function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

const mark = 'onggi-test-summary ';

/** One line that carries the counts of a reporter over a pipe or a serial console. `summaryIn` undoes it. */
export function summaryLine(counts: Counts): string {
  return mark + JSON.stringify(counts);
}

/** The counts in a line of output, if it is one of `summaryLine`; a console may have put other text before it. */
export function summaryIn(line: string): Counts | undefined {
  const match = /onggi-test-summary \{"passed":(\d+),"failed":(\d+),"skipped":(\d+)\}/.exec(line);
  if (match === null) return undefined;
  return { passed: Number(match[1]), failed: Number(match[2]), skipped: Number(match[3]) };
}

/**
 * What a finished test program counts for. One that printed no summary or ended with an error although no test of it
 * failed has broken down: that is a failure, never nothing.
 */
export function judge(status: number | null, summary: Counts | undefined): Counts {
  if (summary === undefined) return { ...none, failed: 1 };
  if (status !== 0 && summary.failed === 0) return { ...summary, failed: 1 };
  return summary;
}

/** When to try again, and how long to wait before. Pure. */

export type RetryPolicy = {
  /** Attempts without progress, the first one included. */
  readonly attempts: number;
  /** Milliseconds before the second attempt; doubled before each further one. */
  readonly firstDelay: number;
  readonly longestDelay: number;
  /** Milliseconds of a Retry-After that are waited for; a registry that wants more is given up. */
  readonly longestWait: number;
};

export const defaultRetryPolicy: RetryPolicy = {
  attempts: 5,
  firstDelay: 500,
  longestDelay: 10_000,
  longestWait: 60_000,
};

/** Answers that another attempt may change: overload, limits of rate, a backend that is away (RFC 9110, section 15). */
const transientStatuses: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

export function isTransientStatus(status: number): boolean {
  return transientStatuses.has(status);
}

/**
 * Milliseconds to wait after the `failures`-th failure in a row; undefined: give up.
 * @param retryAfter milliseconds that the registry asked for, null when it did not
 * @param random 0 to 1: spreads clients that failed together, half of the delay is theirs to vary
 */
export function retryDelay(
  policy: RetryPolicy,
  failures: number,
  retryAfter: number | null,
  random: number,
): number | undefined {
  if (failures >= policy.attempts) return undefined;
  if (retryAfter !== null && retryAfter > policy.longestWait) return undefined;
  const delay = Math.min(policy.firstDelay * 2 ** (failures - 1), policy.longestDelay);
  return Math.max(delay / 2 + (delay / 2) * random, retryAfter ?? 0);
}

/**
 * Milliseconds from `now` to what a Retry-After header names, by seconds or a date (RFC 9110, section 10.2.3).
 * Null when it is absent or neither.
 */
export function parseRetryAfter(header: string | null, now: number): number | null {
  if (header === null) return null;
  if (/^\d{1,10}$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

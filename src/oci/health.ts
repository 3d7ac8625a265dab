/**
 * The health check of an image or a container, as Docker's image configs have it (HEALTHCHECK of the Dockerfile
 * reference; the OCI specification has none). Times in milliseconds; what is absent is inherited or Docker's default.
 */
export type HealthTest =
  /** There is none, whatever the image says. */
  | null
  | { readonly args: readonly string[] }
  /** A line for /bin/sh. */
  | { readonly line: string };

export type HealthConfig = {
  readonly test?: HealthTest;
  readonly interval?: number;
  readonly timeout?: number;
  readonly startPeriod?: number;
  readonly startInterval?: number;
  /** Failures in a row. */
  readonly retries?: number;
};

/** The arguments of HEALTHCHECK as the config writes them: ["NONE"], ["CMD", ...], ["CMD-SHELL", line]; undefined for none of these. */
export function parseHealthTest(words: readonly string[]): HealthTest | undefined {
  const [kind, ...rest] = words;
  if (kind === 'NONE') return null;
  if (kind === 'CMD' && rest.length > 0) return { args: rest };
  // As Docker: what follows the first is not looked at.
  return kind === 'CMD-SHELL' && rest[0] !== undefined ? { line: rest[0] } : undefined;
}

/** The inverse. */
export function healthTestWords(test: HealthTest): string[] {
  if (test === null) return ['NONE'];
  return 'line' in test ? ['CMD-SHELL', test.line] : ['CMD', ...test.args];
}

/** The user's word counts for each part that it names. Undefined when nobody has a word. */
export function mergeHealth(user: HealthConfig | undefined, image: HealthConfig | undefined): HealthConfig | undefined {
  if (user === undefined) return image;
  return user.test === null ? user : { ...image, ...user };
}

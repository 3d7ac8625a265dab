/** Health checks of containers. */
import type { HealthConfig } from '../../oci/health.ts';

export type { HealthConfig, HealthTest } from '../../oci/health.ts';

export type HealthAction = 'none' | 'kill' | 'restart' | 'stop';

/** What is absent is the image's, or Docker's default. */
export type HealthOptions = HealthConfig & {
  /** What is done with a container that has become unhealthy. */
  readonly onFailure?: HealthAction;
};

export const healthStatuses = ['starting', 'healthy', 'unhealthy'] as const;
export type HealthStatus = (typeof healthStatuses)[number];

export type HealthResult = {
  /** Nanoseconds since the epoch. */
  readonly start: bigint;
  readonly end: bigint;
  /** -1: the check could not be made, or took too long. */
  readonly exitCode: number;
  /** At most 4096 bytes of it, and "..." where there was more. */
  readonly output: string;
};

export type Health = {
  readonly status: HealthStatus;
  readonly failingStreak: number;
  /** The last five, oldest first. */
  readonly log: readonly HealthResult[];
};

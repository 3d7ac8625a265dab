/** What a container uses at a moment. */
import type { ContainerId } from '../types.ts';

export type ContainerSample = {
  readonly id: ContainerId;
  readonly name: string;
  /** Not the case: all numbers are 0. */
  readonly running: boolean;
  /** Nanoseconds of a clock that only goes forward. */
  readonly time: number;
  /** Nanoseconds of all CPUs since it was started. */
  readonly cpu: number;
  /** Bytes, without the page cache that can be dropped at once. */
  readonly memory: number;
  /** Bytes; that of the machine where it has none of its own. */
  readonly memoryLimit: number;
  /** Bytes since it was started, of all interfaces of its own network but the loopback. */
  readonly network: { readonly received: number; readonly sent: number };
  /** Bytes since it was started. */
  readonly block: { readonly read: number; readonly written: number };
  /** Processes and threads. */
  readonly tasks: number;
};

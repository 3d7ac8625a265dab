/** What happens in a store, as its followers are told. */

export const eventTypes = ['container', 'image', 'network', 'volume'] as const;
export type EventType = (typeof eventTypes)[number];

export type EngineEvent = {
  /** Nanoseconds since the epoch. */
  readonly time: bigint;
  readonly type: EventType;
  /** In Docker's words: "start", "die", "exec_create: ls -l", "health_status: healthy". */
  readonly action: string;
  /** Of a container its id, of a volume or network its name, of an image its id or name. */
  readonly id: string;
  /** Names, labels, and what the action brings along ("exitCode"). */
  readonly attributes: Readonly<Record<string, string>>;
};

export type EventFilter = { readonly key: string; readonly value: string };

export type EventQuery = {
  /** Milliseconds since the epoch; absent, with no `until`: only what happens from now on. */
  readonly since?: number;
  /** The end, which may be to come; absent: none. */
  readonly until?: number;
  /** Different keys must all match, values of one key are alternatives; every label must match. */
  readonly filters?: readonly EventFilter[];
};

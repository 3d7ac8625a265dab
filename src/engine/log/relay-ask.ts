/** What the relay of a log is asked: with whom to connect, and how to know it. Paths are absolute. */
export type RelayAsk = {
  readonly host: string;
  readonly port: number;
  /** A file of authorities besides those of the machine. */
  readonly authority?: string | undefined;
  /** Of the client, with `key`. */
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  /** Whether the server has to be who it should be. */
  readonly verify: boolean;
};

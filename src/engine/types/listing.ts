/** How a list of containers looks, as far as the engine makes it (listing/table.ts). */

/**
 * A length of time of less than `below` milliseconds in words: so many of `each` milliseconds, the last of which counts
 * `early` milliseconds before it is full; or just the words.
 */
export type DurationStep =
  | { readonly below: number; readonly words: string; readonly each?: undefined }
  | { readonly below: number; readonly words: string; readonly each: number; readonly early: number };

export type TableShape = {
  /** Of id, image, command, creation, status, ports and name. */
  readonly headings: readonly string[];
  /** Characters that a column has at least, and those between its widest cell and the next one. */
  readonly least: number;
  readonly gap: number;
  /** Rising. */
  readonly durations: readonly DurationStep[];
  /** Milliseconds since the epoch. */
  readonly now: number;
};

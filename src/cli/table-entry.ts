/** A row of the list of commands. */
import type { Command } from './definition.ts';

export type Entry = {
  /** Every way to say it; the last one is the short form if there is one: "container ls", "ps". */
  readonly names: readonly [string, ...string[]];
  readonly summary: string;
  /** Where help lists it; internal commands are not listed. */
  readonly group: 'common' | 'other' | 'internal';
  /** It makes or removes files of images: an ordinary user does that in a user namespace. */
  readonly mapped?: true | ((words: readonly string[]) => boolean);
  /** It goes through so many bytes in JavaScript that compiling pays: it begins again with the compiler on. */
  readonly compiled?: true | ((words: readonly string[]) => boolean);
  readonly load: () => Promise<{ readonly command: Command }>;
};

import type { Directory } from '../kernel/directory.ts';

/** An entry as the calls of `kernel/directory-entry.ts` take it. */
export type Place = { readonly parent: Directory; readonly name: string | Buffer };

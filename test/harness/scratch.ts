/** A directory of a test's own, removed with it. */
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Scratch = AsyncDisposable & { readonly path: string };

/** The path is short: a store's socket addresses must fit in 108 bytes (unix(7)). */
export function makeScratch(): Scratch {
  const path = mkdtempSync(join(tmpdir(), 'onggi-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) };
}

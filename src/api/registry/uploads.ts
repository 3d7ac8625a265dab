/**
 * The uploads that are under way. They live as long as this server: what it is killed in the middle of is garbage that
 * the next command collects, and its client begins anew.
 */

import type { ContentUpload } from '../../engine/content/content.ts';
import { randomHex } from '../../random.ts';

export type Uploads = AsyncDisposable & {
  /** @returns its id; undefined when there are too many */
  add(start: () => ContentUpload): string | undefined;
  /**
   * Takes an upload for one request. Undefined when there is none of that id in that repository: ids are not guessed,
   * but a client may have no right to the other repository.
   */
  take(repository: string, id: string): Taken | 'busy' | undefined;
};

/** Held by one request at a time; disposing of it gives it back, unless it was dropped. */
export type Taken = Disposable & {
  readonly id: string;
  readonly upload: ContentUpload;
  /** Ends the upload: what came is removed, unless it has become a blob. */
  drop(): Promise<void>;
};

type Entry = { readonly upload: ContentUpload; busy: boolean; used: number };

export type UploadLimits = {
  /** Uploads at the same time. */
  readonly most: number;
  /** Milliseconds for which one waits for its next request. */
  readonly kept: number;
};

export function makeUploads({ most, kept }: UploadLimits): Uploads {
  const entries = new Map<string, Entry>();
  const sweep = async (): Promise<void> => {
    const before = Date.now() - kept;
    for (const [id, entry] of entries) {
      if (entry.busy || entry.used > before) continue;
      entries.delete(id);
      await entry.upload[Symbol.asyncDispose]();
    }
  };
  const timer = setInterval(() => void sweep(), Math.min(kept, 60_000));
  timer.unref();
  return {
    add(start) {
      if (entries.size >= most) return undefined;
      // 128 bits: whoever does not know it won't find it.
      const id = randomHex(16);
      entries.set(id, { upload: start(), busy: false, used: Date.now() });
      return id;
    },
    take(repository, id) {
      const entry = entries.get(id);
      if (entry === undefined || entry.upload.repository !== repository) return undefined;
      if (entry.busy) return 'busy';
      entry.busy = true;
      return {
        id,
        upload: entry.upload,
        async drop() {
          entries.delete(id);
          await entry.upload[Symbol.asyncDispose]();
        },
        [Symbol.dispose]() {
          entry.busy = false;
          entry.used = Date.now();
        },
      };
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      const left = [...entries.values()];
      entries.clear();
      for (const { upload } of left) await upload[Symbol.asyncDispose]();
    },
  };
}

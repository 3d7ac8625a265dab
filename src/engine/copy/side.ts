/** One side of a copy: a tree whose root is held, here or by a helper in the user namespace of a container. Acts. */
import { OnggiError } from '../../errors.ts';
import { type EntryPath, rootPath, toName } from '../../image/entry-path.ts';
import { createExtractor, type Extracted, type ExtractOptions } from '../../image/tree-extract.ts';
import { entryArchive, findEntry, type TreePath } from '../../image/tree-find.ts';
import { type Directory, openFileIn } from '../../kernel/directory.ts';
import { readHead } from '../../kernel/memory-file.ts';
import type { Found } from './decide.ts';

/** All of it but what does, as JSON can say it. */
export type ExtractAsk = Omit<ExtractOptions, 'warn'>;

export type Side = {
  find(path: TreePath, follow: boolean): Promise<Found>;
  /** The first `limit` bytes of a regular file; undefined when there is none. */
  read(path: EntryPath, limit: number): Promise<Buffer | undefined>;
  /** A piece is good until the next one is asked for. */
  archive(found: Found, name: EntryPath): AsyncIterable<Uint8Array>;
  extract(below: EntryPath, ask: ExtractAsk, pieces: AsyncIterable<Uint8Array>): Promise<Extracted>;
};

/** What the kernel makes up; who asks for it by name gets it, but it is no part of the container's files. */
const kernels = ['proc', 'sys', 'dev'];

/** @param root belongs to the caller */
export function localSide(root: Directory, warn: (message: string) => void): Side {
  return {
    find: async (path, follow) => {
      const { path: at, facts } = findEntry(root, path, follow);
      return { path: at, kind: facts?.kind ?? null };
    },
    read: async (path, limit) => readFrom(root, path, limit),
    archive: ({ path }, name) => eased(archiveOf(root, path, name)),
    async extract(below, ask, pieces) {
      using extractor = createExtractor(root, below, { ...ask, warn });
      for await (const piece of pieces) extractor.write(asBuffer(piece));
      return extractor.finish();
    },
  };
}

function* archiveOf(root: Directory, path: EntryPath, name: EntryPath): Generator<Buffer, void, undefined> {
  // A link that was to be followed is behind us; what is there now is taken as it is.
  const emptied = path === rootPath ? kernels : [];
  yield* entryArchive(root, findEntry(root, { path, directory: false }, false), name, emptied);
}

/** Lets signals and the other side have their turn between two pieces. */
async function* eased(pieces: Iterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  for (const piece of pieces) {
    yield piece;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readFrom(root: Directory, path: EntryPath, limit: number): Buffer | undefined {
  try {
    using file = openFileIn(root, toName(path));
    return readHead(file, limit);
  } catch (error) {
    if (error instanceof OnggiError && (error.code === 'not-found' || error.code === 'invalid')) return undefined;
    throw error;
  }
}

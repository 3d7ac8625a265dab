/** Blobs that several OCI layouts share: DIRECTORY/sha256/HEX in the place of LAYOUT/blobs/sha256/HEX. */
import { directorySink } from './directory-sink.ts';
import { directoryFiles, type Files } from './files.ts';
import type { Sink } from './sink.ts';

const blobs = 'blobs/';

/** @param directory absent: the layout has its own */
export function sharedFiles(files: Files, directory: string | undefined): Files {
  if (directory === undefined) return files;
  const shared = directoryFiles(directory);
  const at = (path: string): readonly [Files, string] =>
    path.startsWith(blobs) ? [shared, path.slice(blobs.length)] : [files, path];
  return {
    what: files.what,
    size(path) {
      const [from, name] = at(path);
      return from.size(name);
    },
    read(path, limit) {
      const [from, name] = at(path);
      return from.read(name, limit);
    },
    stream(path, signal, fleeting) {
      const [from, name] = at(path);
      return from.stream(name, signal, fleeting);
    },
    [Symbol.dispose]() {
      files[Symbol.dispose]();
      shared[Symbol.dispose]();
    },
  };
}

export function sharedSink(sink: Sink, directory: string | undefined): Sink {
  if (directory === undefined) return sink;
  const files = directoryFiles(directory);
  const shared = directorySink(directory, (path) => files.size(path));
  const at = (path: string): readonly [Sink, string] =>
    path.startsWith(blobs) ? [shared, path.slice(blobs.length)] : [sink, path];
  return {
    ...sink,
    has(path, size) {
      const [to, name] = at(path);
      return to.has(name, size);
    },
    async put(path, size, bytes) {
      const [to, name] = at(path);
      await to.put(name, size, bytes);
    },
    async finish() {
      // The layout names what is in the other one.
      await shared.finish();
      await sink.finish();
    },
    async [Symbol.asyncDispose]() {
      await shared[Symbol.asyncDispose]();
      await sink[Symbol.asyncDispose]();
    },
  };
}

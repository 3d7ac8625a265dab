/** A bundle: a directory with config.json and, usually, the root file system (bundle.md). Acts: reads both. */
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';
import { addon } from '../kernel/addon.ts';
import { readRegular } from '../kernel/plain-file.ts';
import { parseSpec } from '../oci/runtime-schema.ts';
import type { Spec } from '../oci/runtime-spec.ts';
import { absolutePath } from '../oci/slash-path.ts';

export type Bundle = {
  /** Absolute. */
  readonly directory: string;
  /** config.json as it stands there. */
  readonly text: string;
  readonly spec: Spec;
  /** The root file system: absolute, links resolved. */
  readonly rootfs: string;
};

/** Bytes; a file as large as this has more characters than the schema allows. */
const largestConfig = 16 << 20;

/** @throws OnggiError `not-found`, `invalid`: what is wrong with which field */
export function loadBundle(path: string): Bundle {
  const directory = absolutePath(path, process.cwd);
  const hint = 'Name the directory that holds config.json with --bundle; "spec" writes one to begin with.';
  const text = readConfig(`${directory}/config.json`, hint);
  const spec = parseSpec(text);
  return { directory, text, spec, rootfs: findRootfs(directory, spec) };
}

/** @throws OnggiError `not-found`, `invalid` when it is too large or no regular file, which could block or never end */
export function readConfig(path: string, hint?: string): string {
  const tried = `read the config "${path}"`;
  try {
    const found = readRegular(path, largestConfig);
    if (found.text !== undefined) return found.text;
    if (found.size === null) throw new OnggiError('invalid', `${tried}: not a regular file`);
    throw new OnggiError('invalid', `${tried}: ${found.size} bytes, at most ${largestConfig} are allowed`);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw fromSystemError(error, tried);
    throw new OnggiError('not-found', `${tried}: no such file or directory`, {
      cause: error,
      ...(hint !== undefined && { hint }),
    });
  }
}

/** What comes through a pipe, to its end. @throws OnggiError `invalid` when that is too much */
export function readStream(fd: number): string {
  const { readSync } = process.getBuiltinModule('node:fs');
  const chunks: Buffer[] = [];
  const chunk = Buffer.alloc(65536);
  for (let total = 0; ; ) {
    const length = readSync(fd, chunk, 0, chunk.length, null);
    if (length === 0) return Buffer.concat(chunks).toString('utf8');
    total += length;
    if (total > largestConfig) {
      throw new OnggiError('invalid', `read descriptor ${fd}: more than ${largestConfig} bytes`);
    }
    chunks.push(Buffer.from(chunk.subarray(0, length)));
  }
}

function findRootfs(directory: string, spec: Spec): string {
  const path = spec.root?.path;
  if (path === undefined || path === '') throw new OnggiError('invalid', 'root.path: it is missing');
  const tried = `root.path: "${path}"`;
  try {
    return addon().realDirectory(absolutePath(path, directory));
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') throw new OnggiError('invalid', `${tried} is not a directory`, { cause: error });
    if (errnoOf(error) !== 'ENOENT') throw fromSystemError(error, tried);
    throw new OnggiError('not-found', `${tried}: no such directory`, {
      cause: error,
      hint: `It counts from the bundle, "${directory}".`,
    });
  }
}

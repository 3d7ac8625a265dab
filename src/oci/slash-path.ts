/** Paths as text, as node:path has them: commands that are over in no time are so without loading it. Pure. */

/**
 * Absolute and without `.`, `..` and doubled slashes.
 * @param from what a relative one counts from, absolute; asked for that alone, since a working directory may be gone
 */
export function absolutePath(path: string, from: string | (() => string)): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${typeof from === 'string' ? from : from()}/${path}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** The directory of an absolute path; of `/` itself. */
export function parentPath(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** Paths of unix sockets that are longer than an address can be. */
import { fromSystemError } from '../errors.ts';

/** sizeof(sockaddr_un.sun_path) less the NUL. */
const longestPath = 107;

/**
 * What to connect to: the path itself, or one through its held directory, which must stay open until the connection
 * stands.
 *
 * @throws OnggiError `not-found`, `denied`
 */
export function socketAddress(path: string): Disposable & { readonly path: string } {
  if (Buffer.byteLength(path) <= longestPath) return { path, [Symbol.dispose]() {} };
  const { closeSync, constants, openSync } = process.getBuiltinModule('node:fs');
  const { basename, dirname } = process.getBuiltinModule('node:path');
  let fd: number;
  try {
    fd = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    throw fromSystemError(error, `connect to "${path}"`);
  }
  return { path: `/proc/self/fd/${fd}/${basename(path)}`, [Symbol.dispose]: () => closeSync(fd) };
}

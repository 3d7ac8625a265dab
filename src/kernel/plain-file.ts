/**
 * Small files by their paths, by the addon: what a short command does without `node:fs`, which takes a millisecond to
 * load (text-file.ts reads them). Errors are those of the system, for the caller to put into words. Acts.
 */
import { addon } from './addon.ts';

const currentDirectory = -100;

/** Also for what may not be looked at, it is not there. */
export function exists(path: string): boolean {
  return addon().exists(path);
}

/** A new file; the umask applies. @throws Error EEXIST */
export function makeFile(path: string, text: string, mode: number): void {
  addon().createText(path, text, mode, true);
}

/** A file with this content, made or overwritten. */
export function writeFile(path: string, text: string, mode: number): void {
  addon().createText(path, text, mode, false);
}

export function makeDirectory(path: string, mode: number): void {
  addon().mkdirat(currentDirectory, path, mode);
}

export function makeLink(target: string, path: string): void {
  addon().symlinkat(target, currentDirectory, path);
}

export function renameFile(from: string, to: string): void {
  addon().renameat(currentDirectory, from, currentDirectory, to, false);
}

/** @throws Error ENOTEMPTY, EBUSY, ENOENT */
export function removeEmptyDirectory(path: string): void {
  addon().unlinkat(currentDirectory, path, true);
}

/** By what a file is the same under all its names: "DEVICE:INODE". Undefined when it is not there; no link is followed. */
export function numberOf(path: string): string | undefined {
  return exists(path) ? factsOf(addon().entryFacts(currentDirectory, path)).number : undefined;
}

/** O_RDONLY | O_NONBLOCK, the same on all our architectures (<asm-generic/fcntl.h>): a fifo is not waited for. */
const withoutWaiting = 0o4000;
/** S_IFREG */
const regularKind = 0o100000;

/** The text of a regular file of at most `most` bytes; else undefined and its size, or null for what is no such file. */
export function readRegular(
  path: string,
  most: number,
): { readonly text: string } | { readonly text: undefined; readonly size: number | null } {
  const fd = addon().openat2(currentDirectory, path, withoutWaiting, 0, 0);
  try {
    const { kind, size } = factsOf(addon().descriptorFacts(fd));
    if (kind !== regularKind) return { text: undefined, size: null };
    return size > most ? { text: undefined, size } : { text: addon().readText(`/proc/self/fd/${fd}`) };
  } finally {
    addon().close(fd);
  }
}

/** In the order of make_facts() in native/addon/addon_entry.c. */
function factsOf(bytes: Uint8Array): { readonly kind: number; readonly size: number; readonly number: string } {
  const [mode = 0, , , size = 0, , , , inodeHigh = 0, inodeLow = 0, device = 0] = new Float64Array(
    bytes.buffer,
    bytes.byteOffset,
    10,
  );
  return { kind: mode & 0o170000, size, number: `${device}:${BigInt(inodeHigh) * 2n ** 32n + BigInt(inodeLow)}` };
}

/** With all below it; links are removed, not followed. @returns whether it was there */
export function removeIfThere(path: string): boolean {
  return addon().removeTree(currentDirectory, path);
}

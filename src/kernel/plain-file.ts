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

/** With all below it; links are removed, not followed. @returns whether it was there */
export function removeIfThere(path: string): boolean {
  return addon().removeTree(currentDirectory, path);
}

/** Control files of cgroups, read and written; and the directories below one. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { errnoOf, fromSystemError } from '../../errors.ts';

/** @throws OnggiError naming `doing` */
export function readControl(file: string, doing: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw fromSystemError(error, doing);
  }
}

/** Its content; undefined where the kernel has no such file. @throws OnggiError for any other failure */
export function readControlIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const errno = errnoOf(error);
    // EOPNOTSUPP: the file is there, what it tells is switched off (PSI, swap accounting).
    if (errno === 'ENOENT' || errno === 'ENODEV' || errno === 'EOPNOTSUPP') return undefined;
    throw fromSystemError(error, `read "${file}"`);
  }
}

/** @throws OnggiError naming `doing` */
export function writeControl(file: string, value: string, doing: string): void {
  try {
    writeFileSync(file, value);
  } catch (error) {
    throw fromSystemError(error, doing);
  }
}

/** The directory and all below it, parents first. Control files are no directories, so only those are entered. */
export function cgroupTree(directory: string): string[] {
  const found: string[] = [];
  const open = [directory];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    found.push(next);
    try {
      for (const entry of readdirSync(next, { withFileTypes: true })) {
        if (entry.isDirectory()) open.push(`${next}/${entry.name}`);
      }
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw fromSystemError(error, `list the cgroup directory "${next}"`);
      found.pop();
    }
  }
  return found;
}

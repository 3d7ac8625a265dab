/** Control files of cgroups, read and written; and the directories below one. */
import { errnoOf, fromSystemError } from '../../errors.ts';
import { readText, readTextIfThere } from '../../kernel/text-file.ts';

/** @throws OnggiError naming `doing` */
export function readControl(file: string, doing: string): string {
  return readText(file, doing);
}

/** EOPNOTSUPP: the file is there, what it tells is switched off (PSI, swap accounting). */
const unavailable = ['ENOENT', 'ENODEV', 'EOPNOTSUPP'];

/** Its content; undefined where the kernel has no such file. @throws OnggiError for any other failure */
export function readControlIfThere(file: string): string | undefined {
  return readTextIfThere(file, unavailable);
}

/** @throws OnggiError naming `doing` */
export function writeControl(file: string, value: string, doing: string): void {
  try {
    process.getBuiltinModule('node:fs').writeFileSync(file, value);
  } catch (error) {
    throw fromSystemError(error, doing);
  }
}

/** The directory and all below it, parents first. Control files are no directories, so only those are entered. */
export function cgroupTree(directory: string): string[] {
  const { readdirSync } = process.getBuiltinModule('node:fs');
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

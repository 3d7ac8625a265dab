/** Kernel modules: which files a list of names needs, in the order in which they must be loaded. Only reads. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export type Module = { readonly name: string; readonly bytes: Buffer };

/**
 * The modules of `names` after those they depend on. A name without a file is left out: it is built into the kernel,
 * or the tests that need it will say so.
 *
 * @param directory /lib/modules/VERSION
 */
export function modulesFor(directory: string, names: readonly string[]): Module[] {
  const files = new Map(
    readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.ko(\.xz)?$/.test(path))
      .map((path) => [moduleName(path), join(directory, path)]),
  );
  const ordered = new Map<string, Module>();
  const add = (name: string): void => {
    const path = files.get(name);
    if (path === undefined || ordered.has(name)) return;
    const bytes = readModule(path);
    for (const needed of dependencies(bytes)) add(needed);
    ordered.set(name, { name, bytes });
  };
  for (const name of names) add(name);
  return [...ordered.values()];
}

/** The kernel takes `-` and `_` in names for the same. */
function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko(\.xz)?$/, '')
    .replaceAll('-', '_');
}

function readModule(path: string): Buffer {
  if (!path.endsWith('.xz')) return readFileSync(path);
  const result = spawnSync('xz', ['--decompress', '--stdout', path], { maxBuffer: 64 << 20 });
  if (result.status !== 0) throw new Error(`xz --decompress ${path}: ${result.stderr}`);
  return result.stdout;
}

/** The field "depends" of the section .modinfo: NUL-terminated `key=value` strings (kernel: include/linux/moduleparam.h). */
function dependencies(bytes: Buffer): string[] {
  const at = bytes.indexOf('\0depends=');
  if (at === -1) return [];
  const start = at + '\0depends='.length;
  const list = bytes.toString('latin1', start, bytes.indexOf(0, start));
  return list.split(',').flatMap((name) => (name === '' ? [] : [name.replaceAll('-', '_')]));
}

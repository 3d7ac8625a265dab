/** Parents of cgroups that a test gives to a runtime: it removes what it made, not what it found. */
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

/** The directories of that name in all hierarchies and what is below; only empty ones can be removed. */
export function removeCgroups(name: string): void {
  const hierarchies = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '');
  for (const hierarchy of hierarchies) removeTree(join(hierarchy, name));
}

function removeTree(path: string): void {
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(path, entry.name));
  }
  rmdirSync(path);
}

/**
 * Acting on the cgroups of a container that is there: who is in it, freeze, kill, usage, remove. A container is named
 * by the path that its cgroups have below each hierarchy ("/onggi/<id>").
 */
import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { errnoOf, fromSystemError, OnggiError } from '../../errors.ts';
import { type CgroupLayout, cgroupDirectories, hierarchyPath, legacyMountPoint } from './hierarchy.ts';
import { readCgroupLayout } from './layout.ts';

/** How long processes may take to go once they are killed; one in an uninterruptible sleep takes as long as it takes. */
const patience = 10_000;
const pause = 5;

export function cgroupExists(path: string): boolean {
  return cgroupDirectories(readCgroupLayout(), path).some((directory) => existsSync(directory));
}

/** Host pids of the processes in the cgroup and below it; empty when it is not there. */
export function cgroupProcesses(path: string): number[] {
  const directories = cgroupDirectories(readCgroupLayout(), path);
  return [...new Set(directories.flatMap((directory) => tree(directory)).flatMap(processesIn))];
}

/**
 * Stops all processes, as `onggi pause` does; idempotent.
 * @throws OnggiError `not-found`, `unavailable` when they don't all stop in time
 */
export async function freezeCgroup(path: string): Promise<void> {
  await setFrozen(path, true);
}

/** Lets them go on; idempotent. @throws OnggiError `not-found` */
export async function thawCgroup(path: string): Promise<void> {
  await setFrozen(path, false);
}

async function setFrozen(path: string, frozen: boolean): Promise<void> {
  const doing = `${frozen ? 'freeze' : 'thaw'} the cgroup "${path}"`;
  const freezer = freezerOf(readCgroupLayout(), path);
  if (freezer === undefined) throw new OnggiError('unsupported', `${doing}: this machine has no freezer`);
  const { control, values, state, shows } = freezer;
  const index = frozen ? 1 : 0;
  const done = await until(() => {
    // Written in each round: a v1 freezer that met a process in the middle of something stays FREEZING until then.
    write(control, values[index], doing);
    return read(state, doing).includes(shows[index]);
  });
  if (!done) throw new OnggiError('unavailable', `${doing}: its processes did not follow in time`);
}

/** What to write where, and what is read where once it has happened; thawed first, frozen second. */
type Freezer = {
  readonly control: string;
  readonly values: readonly [string, string];
  readonly state: string;
  readonly shows: readonly [string, string];
};

/** One freezer is enough; with both in force the processes would need two thaws. */
function freezerOf(layout: CgroupLayout, path: string): Freezer | undefined {
  const control = unifiedFile(layout, path, 'cgroup.freeze');
  if (existsSync(control)) {
    const state = unifiedFile(layout, path, 'cgroup.events');
    return { control, values: ['0', '1'], state, shows: ['frozen 0', 'frozen 1'] };
  }
  const mountPoint = legacyMountPoint(layout, 'freezer');
  if (mountPoint === undefined) return undefined;
  const file = `${hierarchyPath(mountPoint, path)}/freezer.state`;
  return { control: file, values: ['THAWED', 'FROZEN'], state: file, shows: ['THAWED', 'FROZEN'] };
}

/**
 * Kills every process in the cgroup and below it, and returns when none is left. Does nothing when it is not there.
 * @throws OnggiError `unavailable` when some don't die in time
 */
export async function killCgroup(path: string): Promise<void> {
  const layout = readCgroupLayout();
  const directories = cgroupDirectories(layout, path).filter((directory) => existsSync(directory));
  if (!(await until(() => killOnce(layout, path, directories)))) {
    throw new OnggiError('unavailable', `kill the processes of the cgroup "${path}": some did not die in time`);
  }
}

/** One round; true when there was nobody left to kill. */
function killOnce(layout: CgroupLayout, path: string, directories: readonly string[]): boolean {
  const processes = new Set(directories.flatMap((directory) => tree(directory)).flatMap(processesIn));
  if (processes.size === 0) return true;
  try {
    // All at once, faster than any of them can fork (cgroup-v2.rst, "cgroup.kill"; Linux 5.14).
    writeFileSync(unifiedFile(layout, path, 'cgroup.kill'), '1');
  } catch {
    // No unified hierarchy or an old kernel: one by one, again and again until nobody is left.
    for (const pid of processes) killProcess(pid);
    thawLegacy(layout, path);
  }
  return false;
}

/** A process that a v1 freezer stopped doesn't even die. */
function thawLegacy(layout: CgroupLayout, path: string): void {
  const mountPoint = legacyMountPoint(layout, 'freezer');
  if (mountPoint === undefined) return;
  try {
    writeFileSync(`${hierarchyPath(mountPoint, path)}/freezer.state`, 'THAWED');
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw fromSystemError(error, `thaw the cgroup "${path}"`);
  }
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // Gone between reading and killing.
    if (errnoOf(error) !== 'ESRCH') throw fromSystemError(error, `kill process ${pid}`);
  }
}

/**
 * Removes the container's cgroups with whatever it made below them, after killing what is left inside, and the
 * directory above them when it is empty then. Does nothing where there is nothing; a second call is harmless.
 *
 * @throws OnggiError `unavailable` when a process does not die, `denied`
 */
export async function removeCgroup(path: string): Promise<void> {
  const layout = readCgroupLayout();
  const directories = cgroupDirectories(layout, path).filter((directory) => existsSync(directory));
  if (directories.length > 0) {
    const removed = await until(() => {
      killOnce(layout, path, directories);
      return directories.every((directory) => tree(directory).reverse().every(removeDirectory));
    });
    if (!removed) throw new OnggiError('unavailable', `remove the cgroup "${path}": its processes did not die in time`);
  }
  const parent = path.slice(0, path.lastIndexOf('/'));
  if (parent !== '') for (const directory of cgroupDirectories(layout, parent)) removeDirectory(directory);
}

/** True when it is gone; false when something is in it. */
function removeDirectory(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return true;
    if (errno === 'EBUSY' || errno === 'ENOTEMPTY') return false;
    throw fromSystemError(error, `remove the cgroup directory "${directory}"`);
  }
}

/** The directory and all below it, parents first. Control files are no directories, so only those are entered. */
function tree(directory: string): string[] {
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

function processesIn(directory: string): number[] {
  try {
    return readFileSync(`${directory}/cgroup.procs`, 'utf8').split('\n').filter(Boolean).map(Number);
  } catch (error) {
    // Gone, or a threaded cgroup, whose processes its domain lists.
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENODEV' || errno === 'EOPNOTSUPP') return [];
    throw fromSystemError(error, `list the processes of "${directory}"`);
  }
}

export type CgroupUsage = {
  /** Bytes; null where the controller is missing. `limit` is null for none. */
  readonly memory: { readonly used: number; readonly limit: number | null } | null;
  /** Nanoseconds of CPU time since the cgroup was made. */
  readonly cpu: number | null;
  readonly pids: number | null;
};

/** @throws OnggiError `not-found` when the container has no cgroup */
export function cgroupUsage(path: string): CgroupUsage {
  const layout = readCgroupLayout();
  if (layout.mode === 'unified') return unifiedUsage(layout, path);
  const file = (controller: string, name: string): number | null => {
    const mountPoint = legacyMountPoint(layout, controller);
    return mountPoint === undefined ? null : Number(usageFile(`${hierarchyPath(mountPoint, path)}/${name}`, path));
  };
  const used = file('memory', 'memory.usage_in_bytes');
  const limit = file('memory', 'memory.limit_in_bytes') ?? 0;
  return {
    // Without a limit v1 shows the greatest number of pages (PAGE_COUNTER_MAX).
    memory: used === null ? null : { used, limit: limit > Number.MAX_SAFE_INTEGER ? null : limit },
    cpu: file('cpuacct', 'cpuacct.usage'),
    pids: file('pids', 'pids.current'),
  };
}

function unifiedUsage(layout: CgroupLayout, path: string): CgroupUsage {
  const has = (controller: string): boolean => layout.unified?.controllers.includes(controller) === true;
  const file = (name: string): string => usageFile(unifiedFile(layout, path, name), path);
  const limit = (text: string): number | null => (text.trim() === 'max' ? null : Number(text));
  // cpu.stat is there without the controller, and counts microseconds.
  const microseconds = Number(/^usage_usec (\d+)$/m.exec(file('cpu.stat'))?.[1] ?? 0);
  return {
    memory: has('memory') ? { used: Number(file('memory.current')), limit: limit(file('memory.max')) } : null,
    cpu: microseconds * 1000,
    pids: has('pids') ? Number(file('pids.current')) : null,
  };
}

function usageFile(file: string, path: string): string {
  return read(file, `read the usage of the cgroup "${path}"`);
}

function unifiedFile(layout: CgroupLayout, path: string, name: string): string {
  return `${hierarchyPath(layout.unified?.mountPoint ?? '/nonexistent', path)}/${name}`;
}

function read(file: string, doing: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw fromSystemError(error, doing);
  }
}

function write(file: string, value: string, doing: string): void {
  try {
    writeFileSync(file, value);
  } catch (error) {
    throw fromSystemError(error, doing);
  }
}

/**
 * The kernel tells of dying and freezing on v2 only; so this looks again every few milliseconds, the first time at
 * once. @returns whether `done` was reached in time
 */
async function until(done: () => boolean): Promise<boolean> {
  const deadline = performance.now() + patience;
  while (!done()) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return true;
}

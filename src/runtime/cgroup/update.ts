/** Changing the limits of a running container. */
import { fromSystemError, OnggiError } from '../../errors.ts';
import { exists } from '../../kernel/plain-file.ts';
import type { Resources } from '../../oci/runtime-spec.ts';
import { type Cgroup, controllerDirectory, isUnified } from './cgroup.ts';
import { compileSettings, enableControllers } from './compile.ts';
import { readControlIfThere, writeControl } from './control-file.ts';
import type { CgroupLayout } from './hierarchy.ts';
import type { Setting, Warn } from './setting.ts';

/**
 * Puts limits into force, all or none: when one is refused, those that were written before get their old values back.
 *
 * Some limits depend on one another (memory and swap, quota and period and burst, idle and shares), and which order
 * the kernel takes depends on what is in force. So whatever it refuses is tried again after the others.
 *
 * @param resources all limits after the change (`mergeResources`), not only those that change
 * @param warn told what could not be had but was not asked for
 * @returns takes it back
 * @throws OnggiError as `compileCgroup`; `conflict` when memory is used that the limit would not leave
 */
export function updateCgroup(layout: CgroupLayout, cgroup: Cgroup, resources: Resources, warn: Warn): () => void {
  const settings = compileSettings(layout, resources, warn);
  if (resources.memory?.checkBeforeUpdate === true) checkUsage(cgroup, resources);
  enableMissing(layout, cgroup, settings);
  const before = new Map<string, string>();
  let open = settings;
  let refused: readonly Refusal[] = [];
  do {
    refused = open.flatMap((setting) => tryWrite(cgroup, setting, before));
    const stuck = refused.length === open.length;
    open = refused.map(({ setting }) => setting);
    if (stuck) break;
  } while (open.length > 0);
  for (const { setting, error } of refused.filter(({ setting }) => setting.optional)) {
    warn(`${setting.what}: ${error.message}`);
  }
  const [first] = refused.filter(({ setting }) => !setting.optional);
  if (first === undefined) return () => restore(before);
  restore(before);
  throw explained(cgroup, first);
}

/** A container has the controllers that its first limits took; huge pages and RDMA are seldom among them. */
function enableMissing(layout: CgroupLayout, cgroup: Cgroup, settings: readonly Setting[]): void {
  if (cgroup.unified === null || !isUnified(cgroup)) return;
  const present = readControlIfThere(`${cgroup.unified}/cgroup.controllers`)?.trim().split(' ') ?? [];
  const missing = settings.map(({ controller }) => controller).filter((controller) => !present.includes(controller));
  for (const { path, value, what } of enableControllers(layout, cgroup, new Set(missing))) {
    writeControl(path, value, `${what}: write "${value}" to "${path}"`);
  }
}

type Refusal = { readonly setting: Setting; readonly error: OnggiError };

function tryWrite(cgroup: Cgroup, setting: Setting, before: Map<string, string>): Refusal[] {
  const directory = controllerDirectory(cgroup, setting.controller) ?? '';
  const { fallback } = setting;
  const useFallback = fallback !== undefined && !exists(`${directory}/${setting.file}`);
  const file = `${directory}/${useFallback ? fallback.file : setting.file}`;
  const value = useFallback ? fallback.value : setting.value;
  try {
    const old = readControlIfThere(file);
    writeControl(file, value, `${setting.what}: write "${value}" to "${file}"`);
    if (old !== undefined && !before.has(file)) before.set(file, old);
    return [];
  } catch (error) {
    return [{ setting, error: fromSystemError(error, setting.what) }];
  }
}

/** In any order that the kernel takes; a value that it does not take back stays, there is nothing better. */
function restore(before: ReadonlyMap<string, string>): void {
  let open = [...before];
  for (let left = open.length + 1; open.length < left; ) {
    left = open.length;
    open = open.filter(([file, text]) => {
      // One line is one value; files with one line a device are written line by line.
      const lines = text.trim().split('\n');
      return !lines.every((line) => {
        try {
          writeControl(file, line, 'restore a limit');
          return true;
        } catch {
          return false;
        }
      });
    });
  }
}

function explained(cgroup: Cgroup, { setting, error }: Refusal): OnggiError {
  // v1 answers EBUSY when it can't reclaim enough (memory.rst, section 4.1).
  if (setting.file !== 'memory.limit_in_bytes' || error.code !== 'conflict') return error;
  const used = usedMemory(cgroup);
  return new OnggiError('conflict', `${setting.what}: the container uses ${used} bytes`, {
    cause: error,
    hint: 'Ask for a limit above that, or end some of its processes.',
  });
}

function usedMemory(cgroup: Cgroup): number {
  const directory = controllerDirectory(cgroup, 'memory') ?? '';
  return Number(readControlIfThere(`${directory}/memory.${isUnified(cgroup) ? 'current' : 'usage_in_bytes'}`) ?? 0);
}

/** v2 would kill processes until the new limit holds (cgroup-v2.rst, "memory.max"). */
function checkUsage(cgroup: Cgroup, { memory = {} }: Resources): void {
  const { limit } = memory;
  const used = usedMemory(cgroup);
  if (limit === undefined || limit <= 0 || used <= limit) return;
  throw new OnggiError('conflict', `limit memory to ${limit} bytes: the container uses ${used}`, {
    hint: 'Ask for a limit above that, or leave checkBeforeUpdate out and let the kernel kill what is over it.',
  });
}

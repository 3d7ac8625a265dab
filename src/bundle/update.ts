/** `update`: other limits for a container that is there. Acts. */
import { OnggiError } from '../errors.ts';
import type { Guard } from '../kernel/lock.ts';
import { encodeSpec } from '../oci/runtime-json.ts';
import { parseResources } from '../oci/runtime-schema.ts';
import type { IntelRdt, Resources } from '../oci/runtime-spec.ts';
import { mergeResources } from '../runtime/cgroup/merge.ts';
import { cgroupProcesses } from '../runtime/cgroup/processes.ts';
import { readConfig, readStream } from './bundle.ts';
import { updateContainerCgroup } from './container-cgroup.ts';
import { checkContainerId } from './container-id.ts';
import { type ContainerPaths, containerPaths } from './paths.ts';
import { recordedSpec } from './recorded-spec.ts';
import type { Runtime } from './runtime.ts';
import type { StateRecord } from './state.ts';
import { lockContainer, replaceFile, writeState } from './state-directory.ts';
import { readState } from './state-file.ts';
import { statusOf } from './status.ts';

export type Schemata = Pick<IntelRdt, 'l3CacheSchema' | 'memBwSchema'>;

/**
 * @param change what to change; what is not named stays
 * @param classes lines for its class of service, which is made when it has none
 * @throws OnggiError `not-found`, `conflict` when it has ended, `invalid`, `unsupported`; then all limits are as before
 */
export async function updateContainer(
  runtime: Runtime,
  asked: string,
  change: Resources,
  classes: Schemata = {},
): Promise<void> {
  const id = checkContainerId(asked);
  const paths = containerPaths(runtime.root, id);
  readState(id, paths);
  using guard = await lockContainer(id, paths);
  const record = readState(id, paths);
  const status = statusOf(record, paths);
  if (status === 'stopped' || status === 'creating') {
    throw new OnggiError('conflict', `container not running: "${id}" is ${status}`);
  }
  const spec = recordedSpec(paths);
  const resources = mergeResources(spec.linux?.resources ?? {}, change);
  if (change.cpu?.shares && change.cpu.idle === undefined && resources.cpu?.idle === 1) {
    runtime.warn('CPU shares have no effect on an idle container: they are kept for when cpu.idle is 0 again');
  }
  await updateContainerCgroup(runtime, record, resources);
  const changed = Object.keys(classes).length > 0;
  if (changed) await updateClass(record, paths, guard, classes);
  const linux = { ...spec.linux, resources, ...(changed && { intelRdt: { ...spec.linux?.intelRdt, ...classes } }) };
  // What the next update begins with.
  replaceFile(paths.config, encodeSpec({ ...spec, linux }), 0o600);
}

/** A class that is made is recorded before, so that `delete` removes it whatever comes between. */
async function updateClass(record: StateRecord, paths: ContainerPaths, guard: Guard, classes: Schemata): Promise<void> {
  const { changeResctrl, joinResctrl, makeResctrl, planResctrl, removeResctrl } = await import('./resctrl.ts');
  if (record.resctrl !== undefined) return changeResctrl(record.resctrl, classes);
  const plan = planResctrl(classes, record.id);
  if (plan === null) return;
  writeState(paths, { ...record, resctrl: plan.kept }, guard);
  try {
    makeResctrl(plan);
    for (const pid of cgroupProcesses(record.cgroup)) joinResctrl(plan.kept, pid);
  } catch (error) {
    removeResctrl(plan.kept);
    writeState(paths, record, guard);
    throw error;
  }
}

/** `--resources`: a file shaped as the field "linux.resources"; "-" is standard input. @throws OnggiError `invalid` */
export function readResources(path: string): Resources {
  return path === '-' ? parseResources(readStream(0), 'resources') : parseResources(readConfig(path), path);
}

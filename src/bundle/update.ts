/** `update`: other limits for a container that is there. Acts. */
import { OnggiError } from '../errors.ts';
import { encodeSpec } from '../oci/runtime-json.ts';
import { parseResources } from '../oci/runtime-schema.ts';
import type { Resources } from '../oci/runtime-spec.ts';
import { mergeResources } from '../runtime/cgroup/merge.ts';
import { readConfig, readStream } from './bundle.ts';
import { updateContainerCgroup } from './container-cgroup.ts';
import { checkContainerId } from './container-id.ts';
import { containerPaths } from './paths.ts';
import { recordedSpec } from './recorded-spec.ts';
import type { Runtime } from './runtime.ts';
import { lockContainer, replaceFile } from './state-directory.ts';
import { readState } from './state-file.ts';
import { statusOf } from './status.ts';

/**
 * @param change what to change; what is not named stays
 * @throws OnggiError `not-found`, `conflict` when it has ended, `invalid`, `unsupported`; then all limits are as before
 */
export async function updateContainer(runtime: Runtime, asked: string, change: Resources): Promise<void> {
  const id = checkContainerId(asked);
  const paths = containerPaths(runtime.root, id);
  readState(id, paths);
  using _ = await lockContainer(id, paths);
  const record = readState(id, paths);
  const status = statusOf(record, paths);
  if (status === 'stopped' || status === 'creating') {
    throw new OnggiError('conflict', `container not running: "${id}" is ${status}`);
  }
  const spec = recordedSpec(paths);
  const resources = mergeResources(spec.linux?.resources ?? {}, change);
  await updateContainerCgroup(runtime, record, resources);
  // What the next update begins with.
  replaceFile(paths.config, encodeSpec({ ...spec, linux: { ...spec.linux, resources } }), 0o600);
}

/** `--resources`: a file shaped as the field "linux.resources"; "-" is standard input. @throws OnggiError `invalid` */
export function readResources(path: string): Resources {
  return path === '-' ? parseResources(readStream(0), 'resources') : parseResources(readConfig(path), path);
}

/** `checkpoint`: the processes of a container as files, by criu(8). Acts. */
import { dump } from '../criu/dump.ts';
import { checkRoot } from '../criu/errors.ts';
import { checkCheckpointable } from '../criu/external.ts';
import type { DumpOptions } from '../criu/options.ts';
import { OnggiError } from '../errors.ts';
import { checkContainerId } from './container-id.ts';
import { removeContainer } from './delete.ts';
import { containerPaths } from './paths.ts';
import { recordedSpec } from './recorded-spec.ts';
import type { Runtime } from './runtime.ts';
import { lockContainer } from './state-directory.ts';
import { readState } from './state-file.ts';
import { statusOf } from './status.ts';

/**
 * Writes the images. The container is gone then, unless it was to be left running.
 *
 * @throws OnggiError `conflict` when it does not run; `unsupported` for what can't be brought back; `not-found` without
 *   criu; `internal` with the last errors of criu's log
 */
export async function checkpointContainer(runtime: Runtime, asked: string, options: DumpOptions): Promise<void> {
  const id = checkContainerId(asked);
  const paths = containerPaths(runtime.root, id);
  readState(id, paths);
  using guard = await lockContainer(id, paths);
  const record = readState(id, paths);
  const status = statusOf(record, paths);
  const { init, rootfs } = record;
  if (init === null || status !== 'running') {
    throw new OnggiError('conflict', `cannot checkpoint container "${id}": it is ${status}, not running`);
  }
  checkRoot('checkpoint');
  const spec = recordedSpec(paths);
  checkCheckpointable(spec);
  const program = runtime.criu === undefined ? {} : { program: runtime.criu };
  await dump({ pid: init.pid, spec, rootfs }, { ...options, ...program });
  if (!options.leaveRunning && !options.preDump) await removeContainer(runtime, record, paths, guard);
}

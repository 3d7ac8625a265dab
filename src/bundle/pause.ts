/** `pause` and `resume`. Acts. */
import { OnggiError } from '../errors.ts';
import type { Cgroup } from '../runtime/cgroup/cgroup.ts';
import { freezeCgroup, thawCgroup } from '../runtime/cgroup/freeze.ts';
import { checkContainerId } from './container-id.ts';
import { containerPaths } from './paths.ts';
import type { Runtime } from './runtime.ts';
import type { Status } from './state.ts';
import { lockContainer } from './state-directory.ts';
import { readState } from './state-file.ts';
import { statusOf } from './status.ts';

/** Stops all processes of a container. @throws OnggiError `not-found`, `conflict` unless it runs or is created */
export async function pauseContainer(runtime: Runtime, asked: string): Promise<void> {
  await change(runtime, asked, ['running', 'created'], 'container not running', freezeCgroup);
}

/** Lets them go on. @throws OnggiError `not-found`, `conflict` unless it is paused */
export async function resumeContainer(runtime: Runtime, asked: string): Promise<void> {
  await change(runtime, asked, ['paused'], 'container not paused', thawCgroup);
}

async function change(
  runtime: Runtime,
  asked: string,
  due: readonly Status[],
  refusal: string,
  act: (cgroup: Cgroup) => Promise<void>,
): Promise<void> {
  const id = checkContainerId(asked);
  const paths = containerPaths(runtime.root, id);
  readState(id, paths);
  using _ = await lockContainer(id, paths);
  const record = readState(id, paths);
  const status = statusOf(record, paths);
  if (!due.includes(status)) throw new OnggiError('conflict', `${refusal}: "${id}" is ${status}`);
  await act(record.cgroup);
}

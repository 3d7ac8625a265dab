/** `state`, `list`, `ps`: what is known of containers. Acts: looks, changes nothing. */
import { readFileSync } from 'node:fs';
import { errnoOf, OnggiError } from '../errors.ts';
import { cgroupProcesses } from '../runtime/cgroup/processes.ts';
import { checkContainerId } from './container-id.ts';
import { containerPaths } from './paths.ts';
import type { Runtime } from './runtime.ts';
import { type OciState, ociState } from './state.ts';
import { listContainers } from './state-directory.ts';
import { readState, tryReadState } from './state-file.ts';
import { statusOf } from './status.ts';

/** @throws OnggiError `not-found` */
export function containerState(runtime: Runtime, asked: string): OciState {
  const id = checkContainerId(asked);
  const paths = containerPaths(runtime.root, id);
  const record = readState(id, paths);
  // runc has an empty owner here; the name is for the table.
  return ociState(record, statusOf(record, paths), '');
}

/** All containers below the root, by name. One whose state can't be read is told and left out. */
export function listStates(runtime: Runtime): OciState[] {
  const owner = ownerNames();
  return listContainers(runtime.root).flatMap((id) => {
    const paths = containerPaths(runtime.root, id);
    try {
      const record = tryReadState(paths);
      return record === undefined ? [] : [ociState(record, statusOf(record, paths), owner(record.owner))];
    } catch (error) {
      runtime.warn(`load container "${id}": ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  });
}

/** Names of users by id: passwd(5) is read at most once; an id without a name is shown as "#id". */
function ownerNames(): (uid: number) => string {
  let names: Map<string, string> | undefined;
  return (uid) => {
    names ??= new Map(
      passwd()
        .split('\n')
        .map((line) => line.split(':'))
        .map(([name = '', , id = '']) => [id, name]),
    );
    return names.get(String(uid)) ?? `#${uid}`;
  };
}

function passwd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8');
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return '';
  }
}

/** Host pids of all processes of a container. @throws OnggiError `not-found` */
export function containerProcesses(runtime: Runtime, asked: string): number[] {
  const id = checkContainerId(asked);
  const { cgroup, init } = readState(id, containerPaths(runtime.root, id));
  if (init === null) throw new OnggiError('conflict', `container not running: "${id}" is creating`);
  return cgroupProcesses(cgroup);
}

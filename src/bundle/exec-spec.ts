/** The same as exec-record.ts out of config.json, for containers that have no such record. Acts. */
import { OnggiError } from '../errors.ts';
import { hostArchitecture } from '../runtime/host-facts.ts';
import { execFilter } from '../runtime/plan/exec-filter.ts';
import { namespacesOf } from '../runtime/plan/namespaces.ts';
import type { ExecRecord } from './exec-record.ts';
import type { ContainerPaths } from './paths.ts';
import { recordedSpec } from './recorded-spec.ts';
import type { StateRecord } from './state.ts';

/** @param pid of the container's first process. @throws OnggiError `corrupt`, `invalid` */
export function execRecordOf(paths: ContainerPaths, container: StateRecord, pid: number): ExecRecord {
  const { process, linux = {} } = recordedSpec(paths);
  if (process === undefined) throw new OnggiError('corrupt', `config "${paths.config}": it has no process`);
  return {
    process,
    namespaces: [...namespacesOf(linux)],
    personality: linux.personality,
    memoryPolicy: linux.memoryPolicy,
    filter: execFilter(linux.seccomp, hostArchitecture(), container, pid),
  };
}

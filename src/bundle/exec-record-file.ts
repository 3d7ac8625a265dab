/** Writing what exec-record.ts reads. Acts. */
import { fromSystemError } from '../errors.ts';
import { makeFile } from '../kernel/plain-file.ts';
import { encodeJson } from '../oci/runtime-json.ts';
import type { Spec } from '../oci/runtime-spec.ts';
import { namespacesOf } from '../runtime/plan/namespaces.ts';
import type { Plan } from '../runtime/plan/steps.ts';
import { execRecordFormat, type FilterStep } from './exec-record.ts';
import type { ContainerPaths } from './paths.ts';

/**
 * Of a container whose plan is this one. Left out where the filter has an agent, who is told of each process anew: then
 * `exec` reads config.json.
 *
 * @throws OnggiError when the file can't be written
 */
export function writeExecRecord(paths: ContainerPaths, { process, linux = {} }: Spec, { init }: Plan): void {
  const filter = init.filter((step): step is FilterStep => step.op === 'seccomp');
  if (process === undefined || filter.some(({ listener }) => listener !== null)) return;
  const content = encodeJson({
    format: execRecordFormat,
    process,
    namespaces: [...namespacesOf(linux)],
    personality: linux.personality,
    memoryPolicy: linux.memoryPolicy,
    filter: filter.map((step) => ({ ...step, program: Buffer.from(step.program).toString('base64') })),
  });
  try {
    makeFile(paths.exec, content, 0o600);
  } catch (error) {
    throw fromSystemError(error, `write "${paths.exec}"`);
  }
}

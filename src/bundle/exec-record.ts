/**
 * What `exec` has to know of a container's config.json, in a file of its own: config.json was checked and its filter of
 * system calls compiled when the container was made, and both take longer than all else that an exec does. Acts.
 */

import { OnggiError } from '../errors.ts';
import { missing, readTextIfThere } from '../kernel/text-file.ts';
import { decodeJson } from '../oci/runtime-json.ts';
import type { Linux, Process } from '../oci/runtime-spec.ts';
import type { InitStep, NamespaceType } from '../runtime/plan/steps.ts';
import type { ContainerPaths } from './paths.ts';

export type ExecRecord = {
  readonly process: Process;
  readonly namespaces: readonly NamespaceType[];
  readonly personality: Linux['personality'];
  readonly memoryPolicy: Linux['memoryPolicy'];
  /** Compiled. */
  readonly filter: readonly InitStep[];
};

export type FilterStep = Extract<InitStep, { readonly op: 'seccomp' }>;

export const execRecordFormat = 1;

/** Undefined where there is none. The directory is the caller's own: `tryReadState` has looked. @throws OnggiError `corrupt` */
export function readExecRecord(paths: ContainerPaths): ExecRecord | undefined {
  const text = readTextIfThere(paths.exec, missing);
  if (text === undefined) return undefined;
  let found: Omit<ExecRecord, 'filter'> & {
    format: number;
    filter: (Omit<FilterStep, 'program'> & { program: string })[];
  };
  try {
    found = decodeJson(text) as typeof found;
  } catch (cause) {
    throw new OnggiError('corrupt', `"${paths.exec}": not JSON`, { cause });
  }
  if (found.format !== execRecordFormat)
    throw new OnggiError('corrupt', `"${paths.exec}": its format is not ${execRecordFormat}`);
  const filter = found.filter.map((step) => ({
    ...step,
    program: new Uint8Array(Buffer.from(step.program, 'base64')),
  }));
  return { ...found, filter };
}

/**
 * What `exec` has to know of the config.json that a container was started with. The first exec after a start keeps it
 * for those that follow (exec-record-file.ts): to read the file and to compile its filter of system calls takes longer
 * than all else that is particular to an exec. Acts.
 */
import { readTextIfThere } from '../../kernel/text-file.ts';
import { decodeJson } from '../../oci/runtime-json.ts';
import type { Process } from '../../oci/runtime-spec.ts';
import type { InitStep } from '../../runtime/plan/steps.ts';

export type ExecRecord = {
  readonly process: Process;
  /** Whether it has a user namespace of its own. */
  readonly users: boolean;
  /** Compiled. */
  readonly filter: readonly InitStep[];
};

export type FilterStep = Extract<InitStep, { readonly op: 'seccomp' }>;

/** As it is in the file. */
export type KeptRecord = Omit<ExecRecord, 'filter'> & {
  readonly format: number;
  /** The nonce of the start that it is of. */
  readonly start: string;
  readonly filter: readonly (Omit<FilterStep, 'program'> & { readonly program: string })[];
};

export const execRecordFormat = 1;

/** @returns undefined when there is none of this start, or none that a power cut has left whole */
export function readExecRecord(path: string, start: string): ExecRecord | undefined {
  const text = readTextIfThere(path);
  if (text === undefined) return undefined;
  let kept: KeptRecord;
  try {
    kept = decodeJson(text) as KeptRecord;
  } catch {
    return undefined;
  }
  if (kept?.format !== execRecordFormat || kept.start !== start) return undefined;
  const { process, users, filter } = kept;
  const program = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, 'base64'));
  return { process, users, filter: filter.map((step) => ({ ...step, program: program(step.program) })) };
}

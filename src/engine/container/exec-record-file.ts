/** Making what exec-record.ts reads; by itself, because it needs the compiler of filters. Acts. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { OnggiError } from '../../errors.ts';
import { encodeJson } from '../../oci/runtime-json.ts';
import { hostArchitecture } from '../../runtime/host-facts.ts';
import { execFilter } from '../../runtime/plan/exec-filter.ts';
import { readSpec } from '../spec/file.ts';
import type { Container } from './container.ts';
import { type ExecRecord, execRecordFormat, type FilterStep, type KeptRecord } from './exec-record.ts';

/**
 * Of a running container, from its config.json; kept for the next exec, but for a filter with an agent, who is told of
 * each process anew.
 *
 * @param start nonce of its start
 * @param pid of its first process
 * @throws OnggiError `corrupt`
 */
export function makeExecRecord({ row, files }: Container, start: string, pid: number): ExecRecord {
  const { process, linux, annotations = {} } = readSpec(files.config);
  if (process === undefined) throw new OnggiError('corrupt', 'config.json of the container: it has no process');
  const facts = { id: row.id, bundle: dirname(files.config), annotations };
  const filter = execFilter(linux?.seccomp, hostArchitecture(), facts, pid);
  const users = linux?.namespaces?.some(({ type }) => type === 'user') === true;
  const steps = filter.filter((step): step is FilterStep => step.op === 'seccomp');
  if (steps.length === filter.length && steps.every(({ listener }) => listener === null)) {
    const texts = steps.map((step) => ({ ...step, program: Buffer.from(step.program).toString('base64') }));
    keep(files.exec, { format: execRecordFormat, start, process, users, filter: texts });
  }
  return { process, users, filter };
}

/** Whole or not at all, because others read it meanwhile; where it can't be written, the next exec makes it again. */
function keep(path: string, record: KeptRecord): void {
  const fresh = `${path}.${process.pid}`;
  try {
    writeFileSync(fresh, encodeJson(record), { mode: 0o600 });
    renameSync(fresh, path);
  } catch {
    rmSync(fresh, { force: true });
  }
}

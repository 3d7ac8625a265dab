/** The files that the shim checks the health of a container by. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fromSystemError, OnggiError } from '../../errors.ts';
import { placement } from '../../runtime/cgroup/cgroup.ts';
import { findCgroup } from '../../runtime/cgroup/layout.ts';
import { hostFacts } from '../../runtime/host-facts.ts';
import { compileExec } from '../../runtime/plan/compile-exec.ts';
import { encodePlan } from '../../runtime/plan/encode.ts';
import { execFilter } from '../../runtime/plan/exec-filter.ts';
import type { Container } from '../container/container.ts';
import type { Status } from '../container/handshake.ts';
import { sessionKeyring } from '../container/keyring.ts';
import { readSpec } from '../spec/file.ts';
import { execProcess } from '../spec/process.ts';
import { healthCommand, healthSettings } from './settings.ts';

/** Once the init is there and before it starts: what it is found by is in the plan of the check. */
export function writeHealthFiles(container: Container, init: Status): void {
  const settings = healthSettings(container.health);
  if (settings === undefined) return;
  const { files, row, start, options } = container;
  const spec = readSpec(files.config);
  if (spec.process === undefined || start === null) throw new OnggiError('internal', 'a container without a process');
  const host = hostFacts();
  const facts = { id: row.id, bundle: dirname(files.config), annotations: spec.annotations ?? {} };
  const filter = execFilter(spec.linux?.seccomp, host.architecture, facts, init.pid);
  const command = healthCommand(settings.test);
  const { plan } = compileExec(execProcess(spec.process, { command }), filter, {
    host,
    keeper: { kind: 'launcher', id: row.id, consoleSocket: false, preserve: 0, stay: true, startFifo: null },
    pid: init.pid,
    startTime: init.startTime,
    namespaces: ['mnt', 'pid', 'net', 'uts', 'ipc', 'cgroup', ...ownUsers(spec.linux?.namespaces)],
    cgroups: placement(findCgroup(start.cgroupsPath, host.cgroups)),
    keyring: sessionKeyring(row.id),
    groups: options.groups ?? [],
    waitForStart: false,
  });
  try {
    keepResults(files.health);
    writeFileSync(join(files.health, 'plan'), encodePlan(plan), { mode: 0o600 });
  } catch (error) {
    throw fromSystemError(error, `write the health check of container "${row.name}"`);
  }
}

function ownUsers(namespaces: readonly { readonly type: string }[] | undefined): 'user'[] {
  return namespaces?.some(({ type }) => type === 'user') === true ? ['user'] : [];
}

/** The results of the last run are shown until there are new ones, as with Docker; the shim replaces 0 first, then 1. */
function keepResults(directory: string): void {
  mkdirSync(directory, { mode: 0o700, recursive: true });
  const results: { readonly name: string; readonly start: bigint }[] = [];
  for (const name of readdirSync(directory)) {
    const start = /^\d$/.test(name) ? /^\d{1,20} /.exec(readFileSync(join(directory, name), 'latin1')) : null;
    if (start === null) rmSync(join(directory, name));
    else results.push({ name, start: BigInt(start[0].trim()) });
  }
  results.sort((a, b) => (a.start < b.start ? -1 : 1));
  for (const { name } of results) renameSync(join(directory, name), join(directory, `old${name}`));
  for (const [age, { name }] of results.entries()) renameSync(join(directory, `old${name}`), join(directory, `${age}`));
}

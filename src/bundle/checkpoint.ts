/** `checkpoint`: the processes of a container as files, by criu(8). Acts. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { fromSystemError, OnggiError } from '../errors.ts';
import type { Spec } from '../oci/runtime-spec.ts';
import { checkContainerId } from './container-id.ts';
import {
  type CriuOptions,
  checkCheckpointable,
  type DumpOptions,
  dumpArguments,
  type External,
  externalMounts,
  lastErrors,
  maskedFiles,
} from './criu.ts';
import { removeContainer } from './delete.ts';
import { containerPaths } from './paths.ts';
import { recordedSpec } from './recorded-spec.ts';
import type { Runtime } from './runtime.ts';
import { lockContainer } from './state-directory.ts';
import { readState } from './state-file.ts';
import { statusOf } from './status.ts';

/** Beside the images of criu, in the format of runc: what stdio was, a list of three. */
export const descriptorsFile = 'descriptors.json';

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
  const { init } = record;
  if (init === null || status !== 'running') {
    throw new OnggiError('conflict', `cannot checkpoint container "${id}": it is ${status}, not running`);
  }
  checkRoot('checkpoint');
  const spec = recordedSpec(paths);
  checkCheckpointable(spec);
  makeDirectories(options);
  write(`${options.images}/${descriptorsFile}`, JSON.stringify(stdioOf(init.pid)));
  runCriu(dumpArguments(init.pid, record.rootfs, externalsOf(spec, init.pid), options), options);
  if (!options.leaveRunning && !options.preDump) await removeContainer(runtime, record, paths, guard);
}

/** criu needs nearly every capability, in the machine's own user namespace. @throws OnggiError `denied` */
export function checkRoot(what: string): void {
  if (process.geteuid?.() !== 0) throw new OnggiError('denied', `${what}: criu can do it for root only`);
}

export function makeDirectories({ images, work }: CriuOptions): void {
  for (const path of [images, work]) {
    try {
      mkdirSync(path, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw fromSystemError(error, `make the directory "${path}"`);
    }
  }
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600 });
  } catch (error) {
    throw fromSystemError(error, `write "${path}"`);
  }
}

function stdioOf(pid: number): string[] {
  try {
    return [0, 1, 2].map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  } catch (error) {
    throw fromSystemError(error, `look at the stdio of process ${pid}`);
  }
}

function externalsOf(spec: Spec, pid: number): External {
  const joined = (spec.linux?.namespaces ?? []).some(({ type, path }) => type === 'network' && path);
  try {
    const mountInfo = readFileSync(`/proc/${pid}/mountinfo`, 'utf8');
    return {
      mounts: externalMounts(spec, maskedFiles(mountInfo, spec.linux?.maskedPaths ?? [])),
      network: joined ? statSync(`/proc/${pid}/ns/net`, { bigint: true }).ino : null,
    };
  } catch (error) {
    throw fromSystemError(error, `look at process ${pid}`);
  }
}

function runCriu(args: readonly string[], { work, statusFd }: DumpOptions): void {
  // What it has to say stands in its log. Descriptor 3 and up are kept for it alone.
  const extra = statusFd === null ? [] : Array.from({ length: statusFd - 2 }, (_, index) => index + 3);
  const { status, error, stderr } = spawnSync('criu', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe', ...extra.map((fd) => (fd === statusFd ? fd : ('ignore' as const)))],
  });
  if (error !== undefined) throw criuMissing(error);
  if (status !== 0) throw criuFailed('checkpoint', `${work}/dump.log`, stderr);
}

const longestLine = 300;

export function criuMissing(error: unknown): OnggiError {
  return new OnggiError('not-found', 'run "criu": it is not installed, or can not be executed', {
    cause: error,
    hint: 'Install criu; "criu check" tells whether it works with this kernel.',
  });
}

/**
 * @param log path of the log that criu has just written
 * @param printed what it has printed, when it did not come to writing one
 */
export function criuFailed(what: string, log: string, printed = ''): OnggiError {
  let found = '';
  try {
    found = lastErrors(readFileSync(log, 'utf8'));
  } catch {
    found = printed.trim().split('\n').at(-1)?.slice(0, longestLine) ?? '';
  }
  return new OnggiError('internal', `${what}: criu failed${found === '' ? '' : `: ${found}`}`, {
    hint: `See "${log}"; "criu check" tells whether criu works with this kernel.`,
  });
}

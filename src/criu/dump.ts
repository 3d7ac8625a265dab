/** The processes of a container as files, by criu(8). Acts. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { fromSystemError } from '../errors.ts';
import type { Spec } from '../oci/runtime-spec.ts';
import {
  type CriuOptions,
  type DumpOptions,
  dumpArguments,
  type External,
  externalMounts,
  maskedFiles,
} from './command.ts';
import { criuFailed, criuMissing } from './errors.ts';

/** Beside the images of criu, in the format of runc: what stdio was, a list of three. */
export const descriptorsFile = 'descriptors.json';

export type Dumped = {
  /** First process of the container. */
  readonly pid: number;
  readonly spec: Spec;
  readonly rootfs: string;
  /**
   * The network namespace is made by others before a restore, and stands in the images by name only; as it always does
   * where the spec joins one by path.
   */
  readonly networkOfOthers: boolean;
};

/**
 * Writes the images. The processes are gone then, unless they were to be left running; when it fails they run on.
 *
 * @throws OnggiError `not-found` without criu; `internal` with the last errors of criu's log
 */
export async function dump(dumped: Dumped, options: DumpOptions): Promise<void> {
  makeDirectories(options);
  write(`${options.images}/${descriptorsFile}`, JSON.stringify(stdioOf(dumped.pid)));
  await runCriu(dumpArguments(dumped.pid, dumped.rootfs, externalsOf(dumped), options), options);
}

export function makeDirectories({ images, work }: Pick<CriuOptions, 'images' | 'work'>): void {
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

function externalsOf({ spec, pid, networkOfOthers }: Dumped): External {
  const joined = (spec.linux?.namespaces ?? []).some(({ type, path }) => type === 'network' && path);
  try {
    const mountInfo = readFileSync(`/proc/${pid}/mountinfo`, 'utf8');
    return {
      mounts: externalMounts(spec, maskedFiles(mountInfo, spec.linux?.maskedPaths ?? [])),
      network: joined || networkOfOthers ? statSync(`/proc/${pid}/ns/net`, { bigint: true }).ino : null,
    };
  } catch (error) {
    throw fromSystemError(error, `look at process ${pid}`);
  }
}

/**
 * In a session of its own: a key that ends this program must not end criu between its threads in the container. What it
 * has to say stands in its log.
 */
async function runCriu(args: readonly string[], { work, statusFd, program = 'criu' }: DumpOptions): Promise<void> {
  // Descriptor 3 and up are kept for it alone.
  const extra = statusFd === null ? [] : Array.from({ length: statusFd - 2 }, (_, index) => index + 3);
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', ...extra.map((fd) => (fd === statusFd ? fd : ('ignore' as const)))],
  });
  let printed = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) => reject(criuMissing(error)));
    child.once('close', resolve);
  });
  if (status !== 0) throw criuFailed('checkpoint', `${work}/dump.log`, printed);
}

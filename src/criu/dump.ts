/** The processes of a container as files, by criu(8). Acts. */
import { spawn } from 'node:child_process';
import { constants, mkdirSync, openSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { errnoOf, fromSystemError } from '../errors.ts';
import { addon, native } from '../kernel/addon.ts';
import { Descriptors, ownDescriptor } from '../kernel/descriptor.ts';
import type { Spec } from '../oci/runtime-spec.ts';
import { criuFailed, criuMissing } from './errors.ts';
import { type External, externalMounts, maskedFiles } from './external.ts';
import type { CriuOptions, DumpOptions } from './options.ts';
import { type Directories, dumpRequest, isDone } from './request.ts';

/** Beside the images of criu, in the format of runc: what stdio was, a list of three. */
export const descriptorsFile = 'descriptors.json';

export type Dumped = {
  /** First process of the container. */
  readonly pid: number;
  readonly spec: Spec;
  readonly rootfs: string;
};

/**
 * Writes the images. The processes are gone then, unless they were to be left running; when it fails they run on.
 *
 * @throws OnggiError `not-found` without criu; `internal` with the last errors of criu's log
 */
export async function dump(dumped: Dumped, options: DumpOptions): Promise<void> {
  makeDirectories(options);
  write(`${options.images}/${descriptorsFile}`, JSON.stringify(stdioOf(dumped.pid)));
  const { pid, rootfs } = dumped;
  const external = externalsOf(dumped);
  await runCriu((directories) => dumpRequest(pid, rootfs, external, options, directories), options);
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

function externalsOf({ spec, pid }: Dumped): External {
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

/**
 * In a session of its own: a key that ends this program must not end criu between its threads in the container. What it
 * has to say stands in its log; its answer is there when it has ended.
 */
async function runCriu(request: (directories: Directories) => Uint8Array, options: DumpOptions): Promise<void> {
  using handed = new Descriptors();
  const directories = { images: openDirectory(handed, options.images), work: openDirectory(handed, options.work) };
  const [socket, its] = native('make a channel', (calls) => calls.packetPair());
  using ours = ownDescriptor(socket);
  const theirs = ownDescriptor(its);
  const child = spawn(options.program ?? 'criu', ['swrk', String(rpcDescriptor)], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', its],
  });
  theirs[Symbol.dispose]();
  let printed = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', (error) => reject(criuMissing(error)));
    child.once('close', () => resolve());
  });
  const asked = send(ours.fd, request(directories));
  await ended;
  if (!asked || !isDone(answerOf(ours.fd))) throw criuFailed('checkpoint', `${options.work}/dump.log`, printed);
}

/** Of criu, and where `spawn` puts the fourth. */
const rpcDescriptor = 3;

function openDirectory(held: Descriptors, path: string): number {
  try {
    return held.own(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY));
  } catch (error) {
    throw fromSystemError(error, `open the directory "${path}"`);
  }
}

/** False when it is gone, for which there is a reason that is heard of later. */
function send(socket: number, packet: Uint8Array): boolean {
  try {
    addon().sendPacket(socket, packet);
    return true;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EPIPE' || errno === 'ECONNRESET') return false;
    throw fromSystemError(error, 'ask criu for the checkpoint');
  }
}

/** Nothing when it has said nothing. */
function answerOf(socket: number): Uint8Array {
  try {
    return addon().readOnce(socket);
  } catch (error) {
    if (errnoOf(error) === 'ECONNRESET') return new Uint8Array();
    throw fromSystemError(error, 'hear criu');
  }
}

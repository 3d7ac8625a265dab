/**
 * pasta(1) beside a container of an ordinary user. It goes into the background by itself and does not notice the end of
 * the container, so its pid lies in a file of the container, which whoever finishes the container ends it by. Acts.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, closeSync, constants, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { constants as systemConstants } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { fromSystemError, OnggiError } from '../errors.ts';
import { isAlive, processIdentity, signalProcess } from '../kernel/process-identity.ts';
import { pastaCommand } from './pasta-command.ts';
import type { PortMapping } from './port.ts';

/** PATH is the caller's to change. */
const program = '/usr/bin/pasta';

export function hasPasta(): boolean {
  return existsSync(program);
}

/** @throws OnggiError `unsupported` when it is not installed */
export function requirePasta(): void {
  if (hasPasta()) return;
  throw new OnggiError(
    'unsupported',
    'network "bridge": an ordinary user can make no bridge, and pasta is not installed',
    {
      hint: 'Install pasta (Debian: package "passt"), or use --network none or --network host.',
    },
  );
}

export type PastaFiles = { readonly pid: string; readonly log: string };

/** Milliseconds that it may take to bring the network up. */
const patience = 20_000;

/**
 * Returns when the network is up and the ports are open.
 * @param pid a process in the network namespace. @param mac address of its link; absent: one by chance
 * @throws OnggiError `unavailable` with pasta's words
 */
export function startPasta(pid: number, files: PastaFiles, ports: readonly PortMapping[], mac?: string): void {
  const log = openLog(files.log);
  try {
    const { status, error } = spawnSync(program, pastaCommand(pid, files.pid, ports, mac), {
      stdio: ['ignore', log, log],
      env: { PATH: '/usr/bin:/bin' },
      timeout: patience,
    });
    if (status === 0) return;
    if (error !== undefined && status === null) throw fromSystemError(error, `start "${program}"`);
    const said = readFileSync(files.log, 'utf8').trim().split('\n').slice(-3).join('; ');
    throw new OnggiError('unavailable', `connect the container to the network: pasta: ${said}`, { hint: wayOut() });
  } finally {
    closeSync(log);
  }
}

/** What it makes its link by: everybody's where udev runs. */
const tunnels = '/dev/net/tun';

function wayOut(): string {
  const others = 'Use --network none or --network host to go without';
  try {
    accessSync(tunnels, constants.R_OK | constants.W_OK);
    return `${others}, or another port if it is a port.`;
  } catch {
    return `${tunnels} can't be opened; as root: chmod 666 ${tunnels}. ${others}.`;
  }
}

/** Ends it if it runs; its ports are free when this resolves. Idempotent; cheap when there was none. */
export async function stopPasta(files: PastaFiles): Promise<void> {
  const pid = readPid(files.pid);
  if (pid === undefined) return;
  const found = processIdentity(pid);
  // The file may be of before a reboot: only a process that was given this very file is the one.
  if (found !== undefined && isGiven(pid, files.pid) && signalProcess(found, systemConstants.signals.SIGKILL)) {
    const deadline = performance.now() + patience;
    while (isAlive(found) && performance.now() < deadline) await pause(1);
  }
  rmSync(files.pid, { force: true });
}

function openLog(path: string): number {
  try {
    return openSync(path, 'w', 0o600);
  } catch (error) {
    throw fromSystemError(error, `write "${path}"`);
  }
}

function readPid(path: string): number | undefined {
  try {
    const text = readFileSync(path, 'utf8').trim();
    return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}

function isGiven(pid: number, file: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(file);
  } catch {
    return false;
  }
}

/**
 * The private view of the machine in which all engines run: processes, mounts, network, cgroups. No bridge or rule of
 * theirs touches the machine, and everything that was started ends with the first process of the view.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { repository } from '../test/harness/busybox-image.ts';

const mark = 'ONGGI_BENCH_INSIDE';

export function isInside(): boolean {
  return process.env[mark] !== undefined;
}

/**
 * Runs this program again, inside. SIGINT and SIGTERM end the view with all that is in it, daemons of the peers too, and
 * then take its files and cgroups away.
 * @returns its exit status, or 128 and the signal
 */
export async function enter(words: readonly string[]): Promise<number> {
  // crun refuses a v2 hierarchy beside those of v1.
  const prepare = 'if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi; "$@"';
  const command = ['sh', '-c', prepare, '--', process.execPath, join(import.meta.dirname, 'main.ts'), ...words];
  // In a group of its own: of the keys of a terminal we alone are told.
  const view = spawn(join(repository, 'test/harness/own-view.sh'), command, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, [mark]: '1' },
    detached: true,
  });
  let taken = 0;
  const end = (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') => {
    taken ||= constants.signals[signal];
    // The script has unshare(1) as its child, and that the first process of the view, whose end nothing in it survives.
    for (const unshare of childrenOf(view.pid ?? 0)) for (const first of childrenOf(unshare)) kill(first);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  const status = await new Promise<number>((resolve, reject) => {
    view.once('error', reject);
    view.once('close', (code) => resolve(code ?? 1));
  });
  return taken === 0 ? status : 128 + taken;
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    // Ended meanwhile.
    return [];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Ended meanwhile.
  }
}

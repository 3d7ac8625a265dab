/** A file system of a test's own: a file as a disk, mounted for as long as the test wants it. Needs root. */
import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync } from 'node:fs';

export type LoopDisk = Disposable & { readonly path: string };

export type DiskOptions = {
  /** Words for mkfs. */
  readonly make?: readonly string[];
  /** As for mount -o. */
  readonly mount?: string;
  readonly mebibytes?: number;
};

/** @param path where it is mounted; the file lies beside it */
export function loopDisk(type: 'btrfs' | 'ext4' | 'xfs', path: string, options: DiskOptions = {}): LoopDisk {
  const file = `${path}.disk`;
  const fd = openSync(file, 'w');
  ftruncateSync(fd, (options.mebibytes ?? 320) * 1024 * 1024);
  closeSync(fd);
  mkdirSync(path);
  sh(`mkfs.${type}`, ['-q', ...(options.make ?? []), file]);
  // The loop device goes with the mount (losetup(8), autoclear).
  sh('mount', ['-o', ['loop', options.mount].filter(Boolean).join(','), file, path]);
  return { path, [Symbol.dispose]: () => sh('umount', [path]) };
}

function sh(program: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
}

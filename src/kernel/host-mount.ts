/** Mounts on paths of this mount namespace, for those who look into containers and images from outside. Acts. */
import { readFileSync } from 'node:fs';
import { errnoOf, fromSystemError, OnggiError } from '../errors.ts';
import { mountInfoField } from '../oci/mount-info.ts';
import { native } from './addon.ts';

export type OverlayMount = {
  /** Where relative names of `lower` begin. */
  readonly directory: string;
  /** Topmost first. */
  readonly lower: readonly string[];
  /** Absent: nobody can write to it. */
  readonly writable?: { readonly upper: string; readonly work: string };
  /** Further words, e.g. "userxattr". */
  readonly options: readonly string[];
};

/** mount(2): the words of one mount are in one page. */
const mostOptions = 4095;

/** @throws OnggiError `unsupported` when there are more layers than one call of mount(2) takes, `denied` */
export function mountOverlay(target: string, { directory, lower, writable, options }: OverlayMount): void {
  const paths =
    writable === undefined
      ? []
      : [
          ['upperdir', writable.upper],
          ['workdir', writable.work],
        ];
  const words = [
    `lowerdir=${lower.map(escaped).join(':')}`,
    ...paths.map(([name, path = '']) => `${name}=${escaped(path)}`),
    ...options,
  ].join(',');
  if (Buffer.byteLength(words) > mostOptions) {
    throw new OnggiError('unsupported', `mount "${target}": ${lower.length} layers are more than mount(2) takes`);
  }
  native(`mount an overlay on "${target}"`, (addon) =>
    addon.mountOverlay(directory, target, words, writable === undefined),
  );
}

/** overlayfs.rst: colons separate layers, commas options; a backslash takes their meaning away. */
function escaped(path: string): string {
  return path.replace(/[\\:,]/g, '\\$&');
}

/** Without what is mounted below the source. */
export function bindDirectory(source: string, target: string, readOnly: boolean): void {
  native(`bind "${source}" on "${target}"`, (addon) => addon.bindDirectory(source, target, readOnly));
}

/** The root that a process sees, without what is mounted in it. */
export function bindRootOf(pid: number, target: string): void {
  native(`bind the root of process ${pid} on "${target}"`, (addon) => addon.bindRootOf(pid, target));
}

/**
 * Absent is fine. @param detach also while somebody uses it
 * @returns whether something was mounted there
 * @throws OnggiError `conflict` while it is in use
 */
export function unmount(target: string, detach: boolean): boolean {
  try {
    native(`unmount "${target}"`, (addon) => addon.unmount(target, detach));
    return true;
  } catch (error) {
    const errno = errnoOf(error instanceof OnggiError ? error.cause : error);
    if (errno === 'EINVAL' || errno === 'ENOENT') return false;
    if (errno === 'EBUSY') {
      throw new OnggiError('conflict', `"${target}" is in use`, {
        cause: error,
        hint: 'Leave it with every shell and program, or use --force.',
      });
    }
    throw error;
  }
}

/** Mount points below a directory, in this mount namespace. */
export function mountPointsBelow(directory: string): string[] {
  try {
    const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    const paths = lines.map((line) => mountInfoField(line.split(' ')[4] ?? ''));
    return [...new Set(paths.filter((path) => path.startsWith(`${directory}/`)))];
  } catch (error) {
    throw fromSystemError(error, 'read "/proc/self/mountinfo"');
  }
}

/**
 * Command lines of criu (criu(8)) for a container, and what its images must not hold because it belongs to the host:
 * binds, the masks of files, the pipes of stdio, namespaces joined by path. Pure.
 */
import { OnggiError, unsupported } from '../errors.ts';
import { mountInfoField } from '../oci/mount-info.ts';
import type { Spec } from '../oci/runtime-spec.ts';

/** Flags that `checkpoint` and `restore` share. Paths are absolute. */
export type CriuOptions = {
  readonly images: string;
  /** Where criu writes its log. */
  readonly work: string;
  readonly tcpEstablished: boolean;
  readonly externalUnixSockets: boolean;
  readonly shellJob: boolean;
  readonly fileLocks: boolean;
  readonly cgroups: CgroupsMode;
  /** Make the network namespace, but leave it empty. */
  readonly emptyNetwork: boolean;
  readonly autoDedup: boolean;
  readonly lazyPages: boolean;
};

export const cgroupsModes = ['soft', 'full', 'strict', 'ignore'] as const;
export type CgroupsMode = (typeof cgroupsModes)[number];

export type DumpOptions = CriuOptions & {
  readonly leaveRunning: boolean;
  readonly preDump: boolean;
  /** Images of an earlier pre-dump, relative to `images`; null for none. */
  readonly parent: string | null;
  readonly pageServer: { readonly address: string; readonly port: number } | null;
  /** Descriptor that is told when the pages can be asked for; null for none. */
  readonly statusFd: number | null;
  /** criu itself, by name or path; absent: "criu". */
  readonly program?: string;
};

export type RestoreOptions = CriuOptions & {
  readonly lsmProfile: string | null;
  readonly lsmMountContext: string | null;
};

/** What of a container is the host's, and stands in its images by name only. */
export type External = {
  /** Mounts: where in the container, what on the host. */
  readonly mounts: readonly { readonly target: string; readonly source: string }[];
  /** Inode of a network namespace that was joined by path. */
  readonly network: bigint | null;
};

const networkKey = 'extRootNetNS';

export function dumpArguments(pid: number, rootfs: string, external: External, options: DumpOptions): string[] {
  const { parent, statusFd } = options;
  return [
    options.preDump ? 'pre-dump' : 'dump',
    ...['--tree', String(pid), '--root', rootfs, '--log-file', 'dump.log'],
    ...common(options),
    ...(options.leaveRunning && !options.preDump ? ['--leave-running'] : []),
    ...(options.preDump ? ['--track-mem'] : []),
    ...(parent === null ? [] : ['--track-mem', '--prev-images-dir', parent]),
    ...pagesElsewhere(options),
    ...(statusFd === null ? [] : ['--status-fd', String(statusFd)]),
    ...external.mounts.flatMap(({ target }) => ['--external', `mnt[${target}]:${target}`]),
    ...(external.network === null ? [] : ['--external', `net[${external.network}]:${networkKey}`]),
  ];
}

/** Where a page server takes the pages; of lazy ones, where criu itself becomes the one that gives them. */
function pagesElsewhere({ lazyPages, pageServer }: DumpOptions): string[] {
  if (pageServer === null) return [];
  const { address, port } = pageServer;
  return [...(lazyPages ? [] : ['--page-server']), '--address', address, '--port', String(port)];
}

export type RestorePlace = {
  readonly rootfs: string;
  /** Absolute; criu writes the pid of the first process there. */
  readonly pidFile: string;
  /** What stdio was when the images were made ("pipe:[123]"), in the order of the descriptors. */
  readonly descriptors: readonly string[];
  /** Descriptor of the network namespace to be in; null for one of its own. */
  readonly networkFd: number | null;
  /**
   * Where its cgroups are now, from the top of their hierarchies: "CONTROLLER:PATH", or PATH for all others. Empty: where
   * they were.
   */
  readonly cgroupRoots: readonly string[];
};

export function restoreArguments(place: RestorePlace, external: External, options: RestoreOptions): string[] {
  const { lsmProfile, lsmMountContext } = options;
  return [
    'restore',
    // As a child of criu's own parent, which lets go of it: the caller's reaper gets it then.
    ...['--restore-detached', '--restore-sibling', '--pidfile', place.pidFile],
    ...['--root', place.rootfs, '--log-file', 'restore.log'],
    ...common(options),
    ...place.cgroupRoots.flatMap((root) => ['--cgroup-root', root]),
    ...(lsmProfile === null ? [] : ['--lsm-profile', lsmProfile]),
    ...(lsmMountContext === null ? [] : ['--lsm-mount-context', lsmMountContext]),
    ...external.mounts.flatMap(({ target, source }) => ['--external', `mnt[${target}]:${source}`]),
    ...place.descriptors.flatMap((found, fd) =>
      found.startsWith('pipe:') ? ['--inherit-fd', `fd[${fd}]:${found}`] : [],
    ),
    ...(place.networkFd === null ? [] : ['--inherit-fd', `fd[${place.networkFd}]:${networkKey}`]),
  ];
}

function common(options: CriuOptions): string[] {
  return [
    ...['--images-dir', options.images, '--work-dir', options.work, '-v4'],
    `--manage-cgroups=${options.cgroups}`,
    ...(options.tcpEstablished ? ['--tcp-established'] : []),
    ...(options.externalUnixSockets ? ['--ext-unix-sk'] : []),
    ...(options.shellJob ? ['--shell-job'] : []),
    ...(options.fileLocks ? ['--file-locks'] : []),
    ...(options.emptyNetwork ? ['--empty-ns', 'net'] : []),
    ...(options.autoDedup ? ['--auto-dedup'] : []),
    ...(options.lazyPages ? ['--lazy-pages'] : []),
  ];
}

/**
 * Mounts of a container that are the host's: its binds, and /dev/null over each masked file.
 */
export function externalMounts(spec: Spec, maskedFiles: readonly string[]): External['mounts'] {
  const binds = (spec.mounts ?? []).filter(({ type, options = [] }) => {
    return type === 'bind' || options.includes('bind') || options.includes('rbind');
  });
  return [
    ...binds.map(({ destination, source = '' }) => ({ target: withoutSlash(destination), source })),
    ...maskedFiles.map((target) => ({ target, source: '/dev/null' })),
  ];
}

function withoutSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}

/** Which of the masked paths are files: /dev/null lies on them. @param mountInfo as in /proc/PID/mountinfo (proc(5)) */
export function maskedFiles(mountInfo: string, maskedPaths: readonly string[]): string[] {
  const covered = new Set(
    mountInfo.split('\n').flatMap((line) => {
      const [, , , root, target] = line.split(' ');
      return root !== undefined && target !== undefined && root.endsWith('/null') ? [mountInfoField(target)] : [];
    }),
  );
  return maskedPaths.filter((path) => covered.has(path));
}

/** @throws OnggiError `unsupported` naming what criu could not bring back, or not from here */
export function checkCheckpointable(spec: Spec): void {
  if (spec.process?.terminal === true) throw unsupported('checkpoint and restore of a container with a terminal');
  const joined = (spec.linux?.namespaces ?? []).find(({ type, path }) => path && type !== 'network');
  if (joined !== undefined) {
    throw unsupported(`checkpoint and restore of a container that joins the ${joined.type} namespace of a path`);
  }
}

/** @throws OnggiError `unsupported`: hooks that criu would have to wait for in the middle of a restore */
export function checkRestorable(spec: Spec): void {
  checkCheckpointable(spec);
  for (const kind of ['prestart', 'createRuntime', 'createContainer', 'startContainer'] as const) {
    if ((spec.hooks?.[kind] ?? []).length > 0) throw unsupported(`restore of a container with hooks of kind "${kind}"`);
  }
}

/** The last errors of a log of criu, for a message. */
export function lastErrors(log: string): string {
  const errors = log.split('\n').filter((line) => /\bError \(/.test(line));
  return errors
    .slice(-3)
    .map((line) => line.replace(/^\([\d.]+\)\s*/, '').trim())
    .join('; ');
}

/** "ADDRESS:PORT"; brackets around an IPv6 address. @throws OnggiError `invalid` */
export function parsePageServer(text: string): NonNullable<DumpOptions['pageServer']> {
  const found = /^(?:\[(?<six>[\da-fA-F:.]+)\]|(?<four>[^:[\]]+)):(?<port>\d{1,5})$/.exec(text)?.groups;
  const port = Number(found?.['port']);
  if (found === undefined || port < 1 || port > 65_535) {
    throw new OnggiError('invalid', `page server "${text}": not ADDRESS:PORT`);
  }
  return { address: found['six'] ?? found['four'] ?? '', port };
}

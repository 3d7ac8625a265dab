/**
 * Requests of criu's RPC, which `criu swrk` takes from a packet socket (criu: images/rpc.proto): only there does it hand
 * over the master of a terminal that it has restored. Pure.
 */
import type { External } from './external.ts';
import { decodeMessage, encodeMessage, type Fields } from './message.ts';
import type { CgroupsMode, CriuOptions, DumpOptions, RestoreOptions } from './options.ts';

/** criu_req_type. */
const requestType = { dump: 1, restore: 2, singlePreDump: 13 } as const;

/** Fields of criu_req and criu_resp. */
const requestField = { type: 1, options: 2 } as const;
const responseField = { success: 2 } as const;

/** Fields of criu_opts. */
const option = {
  ...{ imagesFd: 1, pid: 2, leaveRunning: 3, externalUnixSockets: 4, tcpEstablished: 5, shellJob: 7, fileLocks: 8 },
  ...{ logLevel: 9, logFile: 10, pageServer: 11, notify: 12, root: 13, parent: 14, trackMemory: 15, autoDedup: 16 },
  ...{ workFd: 17, cgroupRoot: 25, sibling: 26, inherited: 27, cgroups: 34, external: 37, emptyNamespaces: 38 },
  ...{ lazyPages: 48, statusFd: 49, orphanTerminal: 50, lsmProfile: 53, lsmMountContext: 63 },
} as const;

/** criu_cg_mode. */
const cgroupsNumber: Readonly<Record<CgroupsMode, number>> = { ignore: 0, soft: 3, full: 4, strict: 5 };

/** CLONE_NEWNET. */
const networkNamespace = 0x4000_0000;

/** All that criu has to say. */
const logLevel = 4;

const networkKey = 'extRootNetNS';

/** Descriptors of the directories, in the process that has made the socket. */
export type Directories = { readonly images: number; readonly work: number };

/** @returns a packet */
export function dumpRequest(
  pid: number,
  rootfs: string,
  external: External,
  options: DumpOptions,
  { images, work }: Directories,
): Uint8Array {
  const { parent, statusFd, preDump } = options;
  return encodeMessage([
    [requestField.type, preDump ? requestType.singlePreDump : requestType.dump],
    [
      requestField.options,
      [
        [option.imagesFd, images],
        [option.workFd, work],
        [option.pid, pid],
        [option.root, rootfs],
        [option.logFile, 'dump.log'],
        ...common(options),
        ...(options.leaveRunning && !preDump ? flag(option.leaveRunning, true) : []),
        ...flag(option.trackMemory, preDump || parent !== null),
        ...(parent === null ? [] : [[option.parent, parent] as const]),
        ...pagesElsewhere(options),
        ...(statusFd === null ? [] : [[option.statusFd, statusFd] as const]),
        ...external.mounts.map(({ target }) => [option.external, `mnt[${target}]:${target}`] as const),
        ...(external.network === null ? [] : [[option.external, `net[${external.network}]:${networkKey}`] as const]),
      ],
    ],
  ]);
}

/** @param response the last packet of a dump, empty for none @returns whether it has been made */
export function isDone(response: Uint8Array): boolean {
  return decodeMessage(response)?.get(responseField.success) === 1;
}

/** Where a page server takes the pages; of lazy ones, where criu itself becomes the one that gives them. */
function pagesElsewhere({ pageServer }: DumpOptions): Fields {
  if (pageServer === null) return [];
  const { address, port } = pageServer;
  return [
    [
      option.pageServer,
      [
        [1, address],
        [2, port],
      ],
    ],
  ];
}

export type RestorePlace = {
  readonly rootfs: string;
  readonly directories: Directories;
  /** What stdio was when the images were made ("pipe:[123]"), in the order of the descriptors. */
  readonly descriptors: readonly string[];
  /** Descriptor of the network namespace to be in; null for one of its own. */
  readonly networkFd: number | null;
  /**
   * Where its cgroups are now, from the top of their hierarchies; without a controller, of all others. Empty: where they
   * were.
   */
  readonly cgroupRoots: readonly { readonly controller: string | null; readonly path: string }[];
};

/** @returns a packet */
export function restoreRequest(place: RestorePlace, external: External, options: RestoreOptions): Uint8Array {
  const { lsmProfile, lsmMountContext } = options;
  const inherited = (fd: number, key: string): Fields[number] => [
    option.inherited,
    [
      [1, key],
      [2, fd],
    ],
  ];
  const { images, work } = place.directories;
  const fields: Fields = [
    [option.imagesFd, images],
    [option.workFd, work],
    // As a child of criu's own parent: of the keeper.
    [option.sibling, true],
    [option.notify, true],
    [option.root, place.rootfs],
    [option.logFile, 'restore.log'],
    ...common(options),
    ...place.cgroupRoots.map(({ controller, path }): Fields[number] => [
      option.cgroupRoot,
      [...(controller === null ? [] : [[1, controller] as const]), [2, path]],
    ]),
    ...(lsmProfile === null ? [] : [[option.lsmProfile, lsmProfile] as const]),
    ...(lsmMountContext === null ? [] : [[option.lsmMountContext, lsmMountContext] as const]),
    ...external.mounts.map(({ target, source }) => [option.external, `mnt[${target}]:${source}`] as const),
    ...place.descriptors.flatMap((found, fd) => (found.startsWith('pipe:') ? [inherited(fd, found)] : [])),
    ...(place.networkFd === null ? [] : [inherited(place.networkFd, networkKey)]),
  ];
  return encodeMessage([
    [requestField.type, requestType.restore],
    [requestField.options, fields],
  ]);
}

function common(options: CriuOptions): Fields {
  return [
    [option.logLevel, logLevel],
    [option.cgroups, cgroupsNumber[options.cgroups]],
    // Its master is the keeper's, whoever that is.
    [option.orphanTerminal, true],
    ...flag(option.tcpEstablished, options.tcpEstablished),
    ...flag(option.externalUnixSockets, options.externalUnixSockets),
    ...flag(option.shellJob, options.shellJob),
    ...flag(option.fileLocks, options.fileLocks),
    ...(options.emptyNetwork ? [[option.emptyNamespaces, networkNamespace] as const] : []),
    ...flag(option.autoDedup, options.autoDedup),
    ...flag(option.lazyPages, options.lazyPages),
  ];
}

function flag(field: number, set: boolean): Fields {
  return set ? [[field, true]] : [];
}

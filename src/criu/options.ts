/** What criu is asked for, in the words of our own commands. Pure. */
import { OnggiError } from '../errors.ts';

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

/** "ADDRESS:PORT"; brackets around an IPv6 address. @throws OnggiError `invalid` */
export function parsePageServer(text: string): NonNullable<DumpOptions['pageServer']> {
  const found = /^(?:\[(?<six>[\da-fA-F:.]+)\]|(?<four>[^:[\]]+)):(?<port>\d{1,5})$/.exec(text)?.groups;
  const port = Number(found?.['port']);
  if (found === undefined || port < 1 || port > 65_535) {
    throw new OnggiError('invalid', `page server "${text}": not ADDRESS:PORT`);
  }
  return { address: found['six'] ?? found['four'] ?? '', port };
}

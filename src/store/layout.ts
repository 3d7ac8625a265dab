/**
 * Where everything lies. Pure: only names paths; `store.ts` makes the directories.
 *
 *   ROOT/onggi.db            all metadata (schema.ts); onggi.db-reserve-N keep room for it on a full disk (database.ts)
 *   ROOT/blobs/sha256/HEX    content-addressed files (blob.ts)
 *   ROOT/layers/NAME         root of one unpacked layer
 *   ROOT/trees/NAME          all layers of an image in one, named as its topmost (btrfs only, made at first use)
 *   ROOT/mounts/HEX          where an image is mounted for somebody to look into it
 *   ROOT/tmp/NAME            what is being made or removed, with NAME.lock held by who does it (temporary.ts);
 *                            downloads that were cut off stay for a day (partial.ts)
 *   ROOT/containers/ID/      what belongs to one container: upper, work, rootfs, log, exit record
 *   ROOT/volumes/NAME/_data  content of a volume
 *   ROOT/secrets/ID          content of a secret, mode 0600
 *   ROOT/events/log          what has happened (event-log.ts); log.1 is the file before it
 *   RUN/locks/KEY            files of flock(2), gone when nobody holds them
 *   RUN/locks/alive          a byte for each first process that lives, locked by its shim (native/system/alive.h)
 *   RUN/s/SHORT              attach sockets; a short name, because a socket address has 108 bytes (unix(7)). Those of
 *                            the execs of a container begin as its own.
 *
 * RUN is /run/onggi for the default root, so it is empty after a reboot; any other root has its own ROOT/run.
 */
import { isAbsolute, join } from 'node:path';
import { OnggiError } from '../errors.ts';
import { type Digest, digestAlgorithm, digestHex } from '../oci/digest.ts';

export const defaultRoot = '/var/lib/onggi';
const defaultRun = '/run/onggi';

export type Layout = {
  readonly root: string;
  readonly database: string;
  readonly blobs: string;
  readonly layers: string;
  readonly trees: string;
  readonly mounts: string;
  readonly temporary: string;
  readonly containers: string;
  readonly volumes: string;
  readonly secrets: string;
  readonly events: string;
  readonly eventLog: string;
  readonly run: string;
  readonly locks: string;
  readonly sockets: string;
  readonly alive: string;
};

/** @throws OnggiError `invalid` when `root` is not an absolute path. */
export function layoutOf(root: string = defaultRoot): Layout {
  if (!isAbsolute(root) || root.includes('\0')) {
    throw new OnggiError('invalid', `store root "${root}": not an absolute path`);
  }
  const base = join(root, '.');
  const run = base === defaultRoot ? defaultRun : join(base, 'run');
  return {
    root: base,
    database: join(base, 'onggi.db'),
    blobs: join(base, 'blobs'),
    layers: join(base, 'layers'),
    trees: join(base, 'trees'),
    mounts: join(base, 'mounts'),
    temporary: join(base, 'tmp'),
    containers: join(base, 'containers'),
    volumes: join(base, 'volumes'),
    secrets: join(base, 'secrets'),
    events: join(base, 'events'),
    eventLog: join(base, 'events', 'log'),
    run,
    locks: join(run, 'locks'),
    sockets: join(run, 's'),
    alive: join(run, 'locks/alive'),
  };
}

/** Every directory of a layout, parents first; all are made with mode 0700. */
export function directoriesOf(layout: Layout): string[] {
  return [
    layout.root,
    layout.blobs,
    join(layout.blobs, 'sha256'),
    join(layout.blobs, 'sha512'),
    layout.layers,
    layout.temporary,
    layout.containers,
    layout.volumes,
    layout.secrets,
    layout.events,
    layout.run,
    layout.locks,
    layout.sockets,
  ];
}

export function blobPath(layout: Layout, digest: Digest): string {
  return join(layout.blobs, digestAlgorithm(digest), digestHex(digest));
}

/** Root of an unpacked layer; `directory` is the short name of its row. */
export function layerPath(layout: Layout, directory: string): string {
  return join(layout.layers, directory);
}

/** The tree of the image whose topmost layer has this name. */
export function treePath(layout: Layout, directory: string): string {
  return join(layout.trees, directory);
}

export function containerPath(layout: Layout, id: string): string {
  return join(layout.containers, id);
}

/** Directory of a volume. */
export function volumePath(layout: Layout, name: string): string {
  return join(layout.volumes, name);
}

/** What containers see of a volume. */
export function volumeDataPath(layout: Layout, name: string): string {
  return join(layout.volumes, name, '_data');
}

/** Content of a secret. */
export function secretPath(layout: Layout, id: string): string {
  return join(layout.secrets, id);
}

/** The events before those of `eventLog`. */
export function oldEventLog(layout: Layout): string {
  return `${layout.eventLog}.1`;
}

/**
 * Listening socket of a container: 80 bits of the nonce of its start, enough to be unique on a machine.
 * @throws OnggiError `invalid` when the root is so long that the address does not fit in sun_path (unix(7))
 */
export function socketPath(layout: Layout, id: string): string {
  const path = join(layout.sockets, id.slice(0, 20));
  if (Buffer.byteLength(path) > 107) {
    throw new OnggiError('invalid', `store root "${layout.root}": socket path "${path}" is over 107 bytes`, {
      hint: 'Use a shorter --root.',
    });
  }
  return path;
}

/** Digits that the sockets of one life of a container have in common. */
const commonDigits = 12;

/** Listening socket of an exec in a container. @param nonce of the container's start @throws as `socketPath` */
export function execSocketPath(layout: Layout, nonce: string, id: string): string {
  return socketPath(layout, `${socketPrefix(nonce)}${id}`);
}

/** How the names of all sockets of one life of a container begin. */
export function socketPrefix(nonce: string): string {
  return nonce.slice(0, commonDigits);
}

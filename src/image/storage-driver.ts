/**
 * How the store makes the file systems of containers, found out once by trying and then kept: what one driver has made,
 * another can't read. Layers are unpacked in the same way for all of them.
 */
import { mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { basename, join } from 'node:path';
import { fromSystemError, OnggiError } from '../errors.ts';
import { openDirectory } from '../kernel/directory.ts';
import { overlayObstacle } from '../kernel/overlay-probe.ts';
import { createSubvolume } from '../kernel/subvolume.ts';
import { inUserNamespace, isPrivileged, unprivileged } from '../kernel/user-namespace.ts';
import { beginSetting, settingOf } from '../store/setting-row.ts';
import type { Store } from '../store/store.ts';
import { createTemporary } from '../store/temporary.ts';

/** The names that Docker has for them, in the order in which they are tried. */
export const storageDrivers = ['overlay2', 'btrfs', 'vfs'] as const;
export type StorageDriver = (typeof storageDrivers)[number];

/** @param name also "overlay", as Podman calls it. @throws OnggiError `invalid` */
export function parseStorageDriver(name: string): StorageDriver {
  const found = storageDrivers.find((driver) => driver === (name === 'overlay' ? 'overlay2' : name));
  if (found !== undefined) return found;
  throw new OnggiError('invalid', `storage driver "${name}": unknown`, {
    hint: `There are: ${storageDrivers.join(', ')}.`,
  });
}

/**
 * The driver of the store; one that has none yet begins with what is asked for, or with the first that works.
 * @throws OnggiError `conflict` when another one is asked for than the store has, `unsupported` when it can't work there
 */
export function storageDriver(store: Store, asked?: string): StorageDriver {
  const wanted = asked === undefined || asked === '' ? undefined : parseStorageDriver(asked);
  const recorded = settingOf(store.database, 'storage-driver');
  const begun = recorded ?? beginSetting(store.database, 'storage-driver', choose(store, wanted));
  const driver = parseStorageDriver(begun);
  if (wanted === undefined || wanted === driver) return driver;
  throw new OnggiError('conflict', `storage driver "${wanted}": the store "${store.layout.root}" has "${driver}"`, {
    hint: 'A store keeps the driver that it began with: use another --root, or none of --storage-driver.',
  });
}

function choose(store: Store, wanted: StorageDriver | undefined): StorageDriver {
  if (wanted !== undefined) {
    const obstacle = obstacleOf(store, wanted);
    if (obstacle === undefined) return wanted;
    const { layout } = store;
    throw new OnggiError(
      'unsupported',
      `storage driver "${wanted}": ${obstacle.message} (${describeBacking(layout.root)})`,
      {
        cause: obstacle,
        hint: `Use another one of ${storageDrivers.join(', ')}, or leave the choice to onggi.`,
      },
    );
  }
  return storageDrivers.find((driver) => obstacleOf(store, driver) === undefined) ?? 'vfs';
}

function describeBacking(root: string): string {
  return `file system "${backingFileSystem(root)}"`;
}

function obstacleOf(store: Store, driver: StorageDriver): OnggiError | undefined {
  if (driver === 'vfs') return vfsObstacle();
  using temporary = createTemporary(store.layout);
  return driver === 'overlay2' ? overlay(temporary.path) : btrfs(temporary.path);
}

/** Copies get the owners that the image has, which only root among the container's ids can give. */
function vfsObstacle(): OnggiError | undefined {
  if (unprivileged() === undefined) return undefined;
  return new OnggiError('unsupported', 'an ordinary user can make no copies of images');
}

function overlay(directory: string): OnggiError | undefined {
  if (unprivileged() !== undefined) return overlayOfUser(directory);
  try {
    mkdirSync(directory);
    for (const name of ['lower', 'upper', 'work']) mkdirSync(join(directory, name));
    writeFileSync(join(directory, 'lower/lower-file'), '');
  } catch (error) {
    throw fromSystemError(error, `make "${directory}"`);
  }
  return overlayObstacle(directory, inUserNamespace());
}

/** Outside of a user namespace nothing can be mounted to try; kernels that take one of a user's say what they take. */
function overlayOfUser(directory: string): OnggiError | undefined {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  if (major < 5 || (major === 5 && minor < 11)) {
    return new OnggiError('unsupported', `Linux ${release()}: overlayfs for ordinary users begins with 5.11`);
  }
  const type = backingFileSystem(join(directory, '../..'));
  if (!['nfs', 'overlayfs', 'vfat', 'smb'].includes(type)) return undefined;
  return new OnggiError('unsupported', `overlayfs can't write to a file system of type "${type}"`);
}

function btrfs(path: string): OnggiError | undefined {
  try {
    using parent = openDirectory(join(path, '..'));
    createSubvolume(parent, basename(path));
    return undefined;
  } catch (error) {
    if (error instanceof OnggiError) return error;
    throw error;
  }
}

/** Facts for `info`, by Docker's names. */
export function driverStatus(store: Store, driver: StorageDriver): [name: string, value: string][] {
  const backing: [string, string] = ['Backing Filesystem', backingFileSystem(store.layout.root)];
  if (driver !== 'overlay2') return [backing];
  return [
    backing,
    ['Supports d_type', 'true'],
    ['Using metacopy', 'false'],
    ['Native Overlay Diff', 'true'],
    ['userxattr', String(!isPrivileged())],
  ];
}

/** Magic numbers of statfs(2), with the names that Docker's `info` has. */
const fileSystems: Readonly<Record<number, string>> = {
  61267: 'extfs',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  16914836: 'tmpfs',
  2035054128: 'overlayfs',
  26985: 'nfs',
  19780: 'vfat',
  4283649346: 'smb',
  801189825: 'zfs',
  4076150800: 'f2fs',
  3393526350: 'bcachefs',
  1702057286: 'fuse',
};

/** Name of the file system of a path, or its number. */
export function backingFileSystem(path: string): string {
  try {
    const type = statfsSync(path).type >>> 0;
    return fileSystems[type] ?? `0x${type.toString(16)}`;
  } catch (error) {
    throw fromSystemError(error, `look at the file system of "${path}"`);
  }
}

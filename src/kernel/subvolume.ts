/** Subvolumes of btrfs (btrfs-subvolume(8)): directories of which a snapshot costs nothing until it is written to. */
import { native } from './addon.ts';
import type { Name } from './addon-surface.ts';
import type { Descriptor } from './descriptor.ts';
import { type Directory, shown } from './directory.ts';

/** @throws OnggiError `exists`, `unsupported` where the file system is another one */
export function createSubvolume(parent: Directory, name: Name): void {
  native(`make subvolume "${shown(name)}"`, (addon) => addon.createSubvolume(parent.fd, name));
}

/** A snapshot that can be written to. @throws OnggiError `exists` */
export function snapshotSubvolume(source: Descriptor, parent: Directory, name: Name): void {
  native(`make snapshot "${shown(name)}"`, (addon) => addon.snapshotSubvolume(source.fd, parent.fd, name));
}

/** With all that is in it. @throws OnggiError `not-found`, `invalid` for a plain directory */
export function removeSubvolume(parent: Directory, name: Name): void {
  native(`remove subvolume "${shown(name)}"`, (addon) => addon.removeSubvolume(parent.fd, name));
}

/** Makes an empty file as another one; by shared extents where there are such. */
export function copyContent(from: Descriptor, to: Descriptor): void {
  native('copy a file', (addon) => addon.copyContent(from.fd, to.fd));
}

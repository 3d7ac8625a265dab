/** From an address to the source or the destination that it names: only what that needs is loaded. */
import { existsSync } from 'node:fs';
import { OnggiError } from '../errors.ts';
import { maxManifestSize } from '../oci/image-spec.ts';
import { parseReference, type Reference } from '../oci/reference.ts';
import type { Repository } from '../registry/repository.ts';
import type { Store } from '../store/store.ts';
import { type Address, formatAddress } from './address.ts';
import { directorySink } from './directory-sink.ts';
import { directoryFiles } from './files.ts';
import { finishLayout, type LayoutName, type LayoutWriter, layoutDestination } from './oci-destination.ts';
import { indexFile, type LayoutEntry, parseIndexFile } from './oci-layout.ts';
import { layoutImage } from './oci-source.ts';
import { sharedFiles, sharedSink } from './shared-blobs.ts';
import type { Sink } from './sink.ts';
import type { ImageDestination, ImageSource } from './types.ts';

export type Surroundings = {
  readonly store: () => Store;
  readonly repository: (reference: Reference, access: 'pull' | 'push') => Promise<Repository>;
  /** Directory for what must be kept on the way. */
  readonly temporary: string;
  /** An image of the store as the index that it came in, where that is wanted. */
  readonly whole?: boolean;
  /** Where the blobs of an `oci:` lie: DIRECTORY/ALGORITHM/HEX. */
  readonly sharedBlobs?: string | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** @throws OnggiError `not-found`, `corrupt`, `invalid`, `unsupported`, and those of the transport */
export async function openSource(address: Address, around: Surroundings): Promise<ImageSource> {
  const name = formatAddress(address);
  switch (address.transport) {
    case 'docker': {
      const { registrySource } = await import('./registry-end.ts');
      return registrySource(await around.repository(address.reference, 'pull'), address.reference);
    }
    case 'onggi': {
      const { storeSource } = await import('./store-end.ts');
      return await storeSource(around.store(), address.name, around.whole === true);
    }
    case 'dir': {
      const { directorySource } = await import('./directory-end.ts');
      return directorySource(directoryFiles(address.path), name);
    }
    case 'oci':
      return await layoutImage(sharedFiles(directoryFiles(address.path), around.sharedBlobs), address.reference, name);
    case 'oci-archive':
    case 'docker-archive': {
      const { archivedSource } = await import('./archived-source.ts');
      return await archivedSource(address, name, around);
    }
  }
}

/**
 * @param additional more names, which only a docker-archive takes
 * @throws as `openSource`; `exists` for an archive that is there
 */
export async function openDestination(
  address: Address,
  around: Surroundings,
  additional: readonly Reference[] = [],
): Promise<ImageDestination> {
  const name = formatAddress(address);
  if (additional.length > 0 && address.transport !== 'docker-archive') {
    throw new OnggiError('unsupported', `${name}: takes one name`, { hint: 'Only docker-archive: takes more.' });
  }
  switch (address.transport) {
    case 'docker': {
      const { registryDestination } = await import('./registry-end.ts');
      return registryDestination(await around.repository(address.reference, 'push'), address.reference);
    }
    case 'onggi': {
      const { storeDestination } = await import('./store-end.ts');
      const reference = parseReference(address.name);
      if (reference.digest !== null) {
        throw new OnggiError('invalid', `image "${address.name}": a name with a digest can't be given`);
      }
      return storeDestination(around.store(), reference);
    }
    case 'dir': {
      const { directoryDestination } = await import('./directory-end.ts');
      const { checkImageDirectory, removeFormerImage } = await import('./image-directory.ts');
      checkImageDirectory(address.path, name);
      const files = directoryFiles(address.path);
      const sink = directorySink(address.path, (path) => files.size(path));
      return directoryDestination(sink, name, (keep) => removeFormerImage(address.path, keep));
    }
    case 'oci': {
      const files = sharedFiles(directoryFiles(address.path), around.sharedBlobs);
      const own = directorySink(address.path, (path) => files.size(path));
      const sink = sharedSink(own, around.sharedBlobs);
      const there = files.size(indexFile) !== undefined;
      const entries = there ? parseIndexFile(await files.read(indexFile, maxManifestSize), files.what) : [];
      return layoutEnd(sink, entries, { kind: 'layout', name: address.reference }, name);
    }
    case 'oci-archive':
      return layoutEnd(await newArchive(address.path, name), [], { kind: 'layout', name: address.reference }, name);
    case 'docker-archive': {
      if (address.index !== null) throw new OnggiError('invalid', `${name}: a number names nothing that is new`);
      const references = [...(address.reference === null ? [] : [address.reference]), ...additional];
      return layoutEnd(await newArchive(address.path, name), [], { kind: 'docker', references }, name);
    }
  }
}

async function newArchive(path: string, name: string): Promise<Sink> {
  if (existsSync(path)) {
    throw new OnggiError('exists', `${name}: there is a file already`, { hint: 'Remove it, or choose another name.' });
  }
  const { archiveSink } = await import('./archive-sink.ts');
  return await archiveSink({ path });
}

/** A layout that holds this one image more; complete with its commit. */
function layoutEnd(sink: Sink, entries: readonly LayoutEntry[], target: LayoutName, name: string): ImageDestination {
  const writer: LayoutWriter = { sink, entries, items: target.kind === 'docker' ? [] : null };
  const destination = layoutDestination(writer, target, name);
  return {
    ...destination,
    async commit(signal) {
      await destination.commit(signal);
      await finishLayout(writer);
    },
    [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
  };
}

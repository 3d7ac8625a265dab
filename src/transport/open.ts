/** From an address to the source or the destination that it names. */
import { existsSync } from 'node:fs';
import { OnggiError } from '../errors.ts';
import { maxManifestSize } from '../oci/image-spec.ts';
import { parseReference, type Reference } from '../oci/reference.ts';
import type { Repository } from '../registry/repository.ts';
import type { Store } from '../store/store.ts';
import { type Address, formatAddress } from './address.ts';
import { openArchive } from './archive-open.ts';
import { archiveSink } from './archive-sink.ts';
import { archivedImages } from './archived-images.ts';
import { directoryDestination, directorySource } from './directory-end.ts';
import { archiveItems, dockerArchiveSource } from './docker-archive-source.ts';
import { directoryFiles, type Files } from './files.ts';
import { finishLayout, type LayoutName, type LayoutWriter, layoutDestination } from './oci-destination.ts';
import { chooseEntry, indexFile, type LayoutEntry, parseIndexFile } from './oci-layout.ts';
import { layoutEntries, layoutSource } from './oci-source.ts';
import { registryDestination, registrySource } from './registry-end.ts';
import { sharedFiles, sharedSink } from './shared-blobs.ts';
import { directorySink, type Sink } from './sink.ts';
import { storeDestination, storeSource } from './store-end.ts';
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
    case 'docker':
      return registrySource(await around.repository(address.reference, 'pull'), address.reference);
    case 'onggi':
      return await storeSource(around.store(), address.name, around.whole === true);
    case 'dir':
      return directorySource(directoryFiles(address.path), name);
    case 'oci':
      return await layoutImage(sharedFiles(directoryFiles(address.path), around.sharedBlobs), address.reference, name);
    case 'oci-archive': {
      const files = await openArchive(address.path, around.temporary, around.signal);
      return await owning(files, () => layoutImage(files, address.reference, name));
    }
    case 'docker-archive': {
      const files = await openArchive(address.path, around.temporary, around.signal);
      return await owning(files, () => archivedImage(files, address, name));
    }
  }
}

/** The archive is closed with the source, or at once when there is none. */
async function owning(files: Files, open: () => Promise<ImageSource>): Promise<ImageSource> {
  try {
    const source = await open();
    return {
      ...source,
      async [Symbol.asyncDispose]() {
        files[Symbol.dispose]();
      },
    };
  } catch (error) {
    files[Symbol.dispose]();
    throw error;
  }
}

async function layoutImage(files: Files, reference: string | null, name: string): Promise<ImageSource> {
  return layoutSource(files, chooseEntry(await layoutEntries(files), reference, files.what), name);
}

async function archivedImage(
  files: Files,
  { reference, index }: Extract<Address, { transport: 'docker-archive' }>,
  name: string,
): Promise<ImageSource> {
  if (index !== null) {
    const item = (await archiveItems(files))[index];
    if (item === undefined) throw new OnggiError('not-found', `${files.what}: no image ${index}`);
    return await dockerArchiveSource(files, item, name);
  }
  const images = await archivedImages(files);
  const found = reference === null ? images : images.filter((image) => image.references.some(same(reference)));
  const [only, another] = found;
  if (only === undefined) throw new OnggiError('not-found', `${name}: no such image in it`);
  if (another !== undefined) {
    throw new OnggiError('invalid', `${name}: ${found.length} images in it`, {
      hint: 'Write which one: "docker-archive:FILE:NAME" or "docker-archive:FILE:@NUMBER".',
    });
  }
  return { ...only.source, name };
}

function same(a: Reference): (b: Reference) => boolean {
  return (b) => a.registry === b.registry && a.repository === b.repository && a.tag === b.tag && a.digest === b.digest;
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
    case 'docker':
      return registryDestination(await around.repository(address.reference, 'push'), address.reference);
    case 'onggi': {
      const reference = parseReference(address.name);
      if (reference.digest !== null) {
        throw new OnggiError('invalid', `image "${address.name}": a name with a digest can't be given`);
      }
      return storeDestination(around.store(), reference);
    }
    case 'dir': {
      const files = directoryFiles(address.path);
      return directoryDestination(
        directorySink(address.path, (path) => files.size(path)),
        name,
      );
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

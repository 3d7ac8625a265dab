/** The one image that an address means in an archive. */
import { OnggiError } from '../errors.ts';
import type { Reference } from '../oci/reference.ts';
import type { Address } from './address.ts';
import { openArchive } from './archive-open.ts';
import { archivedImages } from './archived-images.ts';
import { archiveItems, dockerArchiveSource } from './docker-archive-source.ts';
import type { Files } from './files.ts';
import { layoutImage } from './oci-source.ts';
import type { ImageSource } from './types.ts';

/** @throws OnggiError `not-found`, `corrupt`, `invalid`, `unsupported` */
export async function archivedSource(
  address: Exclude<Address, { transport: 'docker' | 'onggi' | 'dir' }>,
  name: string,
  { temporary, signal }: { readonly temporary: string; readonly signal?: AbortSignal | undefined },
): Promise<ImageSource> {
  const files = await openArchive(address.path, temporary, signal);
  return await owning(files, () =>
    address.transport === 'docker-archive'
      ? archivedImage(files, address, name)
      : layoutImage(files, address.reference, name),
  );
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

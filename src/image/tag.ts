/** Giving images names. */
import { OnggiError } from '../errors.ts';
import { canonicalName, parseReference } from '../oci/reference.ts';
import { syncDatabase, transaction } from '../store/database.ts';
import { putImageName } from '../store/image-row.ts';
import type { Store } from '../store/store.ts';
import { digestOfName, lookUpImage } from './find.ts';

/**
 * A further name for an image; one that stood for another image moves, and that image stays without it. Idempotent.
 * @param source a name, an id or its beginning
 * @throws OnggiError `not-found`, `invalid` (name)
 */
export function tagImage(store: Store, source: string, name: string): void {
  const target = parseReference(name);
  if (target.digest !== null) {
    throw new OnggiError('invalid', `image "${name}": a name with a digest can't be given`);
  }
  transaction(store.database, () => {
    const { image, reference } = lookUpImage(store.database, source);
    const cameAs = reference === null ? null : digestOfName(store.database, image.id, reference);
    putImageName(store.database, { reference: canonicalName(target), imageId: image.id, digest: null, cameAs });
  });
  syncDatabase(store.database);
}

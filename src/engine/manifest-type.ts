/** The media type of a manifest that lies in the store without it. Pure. */
import { mediaTypes } from '../oci/image-spec.ts';

/** Docker's manifests always say it; of the OCI's, an index is told by its field. @param bytes of a checked manifest */
export function manifestType(bytes: Uint8Array): string {
  const document: unknown = JSON.parse(Buffer.from(bytes).toString());
  const own = typeof document === 'object' && document !== null ? Reflect.get(document, 'mediaType') : undefined;
  if (typeof own === 'string' && own !== '') return own;
  const isIndex = typeof document === 'object' && document !== null && Object.hasOwn(document, 'manifests');
  return isIndex ? mediaTypes.index : mediaTypes.manifest;
}

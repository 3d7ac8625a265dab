/** What a manifest is, where nothing says it but its own bytes. Pure. */
import { OnggiError } from '../errors.ts';
import { mediaTypes } from '../oci/image-spec.ts';

/**
 * Its own word; without one, by its fields, as containers/image guesses ("GuessMIMEType").
 * @throws OnggiError `corrupt`, `unsupported` (schema 1)
 */
export function mediaTypeOf(bytes: Uint8Array, what: string): string {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(bytes).toString());
  } catch (cause) {
    throw new OnggiError('corrupt', `${what}: not JSON`, { cause });
  }
  const field = (name: string): unknown => Reflect.get(Object(document), name);
  const own = field('mediaType');
  if (typeof own === 'string') return own;
  if (field('schemaVersion') === 1) {
    throw new OnggiError('unsupported', `${what}: manifest of schema 1`, { hint: 'Push it again.' });
  }
  if (Array.isArray(field('manifests'))) return mediaTypes.index;
  const config = Reflect.get(Object(field('config')), 'mediaType');
  return config === mediaTypes.dockerConfig ? mediaTypes.dockerManifest : mediaTypes.manifest;
}

/** Which image of an index is the one for a platform: image-index.md, "Image Index Property Descriptions". Pure. */
import { OnggiError } from '../errors.ts';
import type { ImageIndex, IndexEntry } from '../oci/image-spec.ts';
import { choosePlatform, formatPlatform, type Platform } from '../oci/platform.ts';

/**
 * The best entry for the platform. One that names no platform is taken when it is the only one: its config says what it
 * runs on.
 * @throws OnggiError `not-found`
 */
export function chooseEntry(index: ImageIndex, platform: Platform, what: string): IndexEntry {
  const chosen = choosePlatform(platform, index.manifests);
  if (chosen !== undefined) return chosen;
  const [only, another] = index.manifests;
  if (only !== undefined && another === undefined && only.platform === null) return only;
  const offered = index.manifests.flatMap((entry) => (entry.platform === null ? [] : [formatPlatform(entry.platform)]));
  // Attestations are entries of the platform "unknown/unknown".
  const list = [...new Set(offered)].filter((name) => !name.startsWith('unknown/')).slice(0, 20);
  throw new OnggiError('not-found', `${what}: no image for platform "${formatPlatform(platform)}"`, {
    hint: list.length === 0 ? 'Its index is empty.' : `It has "${list.join('", "')}".`,
  });
}

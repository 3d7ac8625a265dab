/** Images as `images` shows them: one row for each name. Pure. */
import type { ImageSummary } from '../../engine/types.ts';
import { goTime, humanDuration } from './human-duration.ts';
import { humanSize } from './human-size.ts';
import type { Listing, Row } from './listing.ts';

export const imageListing: Listing = {
  subject: 'image',
  headings: {
    Repository: 'REPOSITORY',
    Tag: 'TAG',
    Digest: 'DIGEST',
    ID: 'IMAGE ID',
    CreatedSince: 'CREATED',
    CreatedAt: 'CREATED AT',
    Size: 'SIZE',
    Containers: 'CONTAINERS',
    VirtualSize: 'SIZE',
    SharedSize: 'SHARED SIZE',
    UniqueSize: 'UNIQUE SIZE',
  },
  table: '{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}',
  raw: [
    ...['repository: {{.Repository}}', 'tag: {{.Tag}}', 'image_id: {{.ID}}', 'created_at: {{.CreatedAt}}'],
    'virtual_size: {{.Size}}\n',
  ].join('\n'),
};

/** The table with `--digests`. */
export const digestTable = imageListing.table.replace('{{.ID}}', '{{.Digest}}\t{{.ID}}');

/** The raw form with `--digests`. */
export const digestRaw = imageListing.raw?.replace('image_id', 'digest: {{.Digest}}\nimage_id') ?? '';

const none = '<none>';
const unknown = 'N/A';

export type ImageName = { readonly repository: string; readonly tag: string };

/** "localhost:5000/app:v1" -> its two columns; a name by digest has no tag. */
export function splitName(name: string): ImageName {
  const at = name.indexOf('@');
  if (at >= 0) return { repository: name.slice(0, at), tag: none };
  const colon = name.lastIndexOf(':');
  if (colon < 0 || name.indexOf('/', colon) >= 0) return { repository: name, tag: none };
  return { repository: name.slice(0, colon), tag: name.slice(colon + 1) };
}

export type ImageRowOptions = { readonly now: number; readonly truncate: boolean };

/** @param digest "sha256:…" of the manifest in this repository, if it came from a registry */
export function imageRow(
  image: ImageSummary,
  name: ImageName | undefined,
  digest: string | undefined,
  options: ImageRowOptions,
): Row {
  return {
    // As Docker's list has these three: `system df -v` tells.
    Containers: unknown,
    SharedSize: unknown,
    UniqueSize: unknown,
    // Asked for by few, and dear: a thousand of them take longer than all the rest.
    get CreatedAt() {
      return goTime(image.created);
    },
    CreatedSince: `${humanDuration(options.now - image.created)} ago`,
    Digest: digest ?? none,
    ID: options.truncate ? shortId(image.id) : image.id,
    Repository: name?.repository ?? none,
    Size: humanSize(image.size, 3),
    Tag: name?.tag ?? none,
    get VirtualSize() {
      return humanSize(image.size, 3);
    },
  };
}

/** Twelve digits of a digest. */
export function shortId(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1).slice(0, 12);
}

/** index.json of an OCI image layout (image-layout.md of the OCI image specification). Pure. */
import { OnggiError } from '../errors.ts';
import { type Digest, parseDigest } from '../oci/digest.ts';
import { type Descriptor, mediaTypes } from '../oci/image-spec.ts';
import { type Check, integer, list, object, record, text } from '../oci/schema.ts';

export type LayoutEntry = Descriptor & {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: LayoutPlatform;
};

type LayoutPlatform = { readonly os: string; readonly architecture: string; readonly variant?: string };

export const layoutFile = 'oci-layout';
export const indexFile = 'index.json';
export const layoutContent = '{"imageLayoutVersion":"1.0.0"}';

/** annotations.md: the name of the image within the layout, often a tag. */
export const refName = 'org.opencontainers.image.ref.name';
/** The full name, as containerd and Docker write it. */
export const fullNameAnnotation = 'io.containerd.image.name';

/** Where a layout keeps a blob. */
export function blobName(digest: Digest): string {
  return `blobs/${digest.replace(':', '/')}`;
}

/** Images of one layout. */
const maxEntries = 10_000;

const digest: Check<Digest> = (value, path) => parseDigest(text(200)(value, path));
const entry: Check<LayoutEntry> = object<LayoutEntry>(
  { mediaType: text(255), digest, size: integer(0, Number.MAX_SAFE_INTEGER) },
  {
    annotations: record(text(4096), text(64 * 1024), 1000),
    platform: object<LayoutPlatform>({ os: text(64), architecture: text(64) }, { variant: text(64) }),
  },
);
const index = object<{ readonly schemaVersion: number; readonly manifests: readonly LayoutEntry[] }>(
  { schemaVersion: integer(2, 2), manifests: list(entry, maxEntries) },
  {},
);
const layout = object<{ readonly imageLayoutVersion: string }>({ imageLayoutVersion: text(64) }, {});

/** @throws OnggiError `corrupt` */
export function parseIndexFile(bytes: Uint8Array, what: string): readonly LayoutEntry[] {
  return checked(() => index(JSON.parse(Buffer.from(bytes).toString()), ''), `${indexFile} of ${what}`).manifests;
}

/** @throws OnggiError `corrupt`, `unsupported` (a version that is not ours) */
export function checkLayoutFile(bytes: Uint8Array, what: string): void {
  const { imageLayoutVersion } = checked(() => layout(JSON.parse(Buffer.from(bytes).toString()), ''), what);
  if (/^1\./.test(imageLayoutVersion)) return;
  throw new OnggiError('unsupported', `${what}: OCI layout of version "${imageLayoutVersion}", not 1`);
}

export function formatIndexFile(manifests: readonly LayoutEntry[]): Buffer {
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests }));
}

/** An entry named again takes the place of the one that had the name; the full one, where there is one. */
export function withEntry(entries: readonly LayoutEntry[], added: LayoutEntry): LayoutEntry[] {
  const nameOf = ({ annotations }: LayoutEntry) => annotations?.[fullNameAnnotation] ?? annotations?.[refName];
  const name = nameOf(added);
  const others = entries.filter((each) => {
    const other = nameOf(each);
    return name === undefined ? other !== undefined || each.digest !== added.digest : other !== name;
  });
  return [...others, added];
}

/**
 * The entry that a reference means: by the name in the layout or the full name; without one, the only entry.
 * @throws OnggiError `not-found`; `invalid` when several could be meant
 */
export function chooseEntry(entries: readonly LayoutEntry[], reference: string | null, what: string): LayoutEntry {
  const meant = reference === null ? entries : entries.filter((each) => namesOf(each).includes(reference));
  // One image can have several names.
  const found = [...new Map(meant.map((each) => [each.digest, each])).values()];
  const [only, another] = found;
  const known = [...new Set(entries.flatMap(namesOf))].slice(0, 20);
  const hint = known.length === 0 ? 'Nothing in it has a name.' : `It has "${known.join('", "')}".`;
  if (only === undefined) throw new OnggiError('not-found', `${what}: no image "${reference ?? ''}"`, { hint });
  if (another === undefined) return only;
  throw new OnggiError('invalid', `${what}: several images${reference === null ? '' : ` "${reference}"`}`, {
    hint: reference === null ? `Write which one behind a colon. ${hint}` : hint,
  });
}

function namesOf({ annotations }: LayoutEntry): string[] {
  return [annotations?.[refName], annotations?.[fullNameAnnotation]].filter((name) => name !== undefined);
}

function checked<T>(read: () => T, what: string): T {
  try {
    return read();
  } catch (cause) {
    const found = cause instanceof OnggiError ? cause.message : 'not JSON';
    throw new OnggiError('corrupt', `${what}: ${found}`, { cause });
  }
}

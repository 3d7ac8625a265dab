/** manifest.json of archives as `docker save` writes them (moby image/spec, "Combined Image JSON"). Pure. */
import { OnggiError } from '../errors.ts';
import { maxLayers } from '../oci/image-spec.ts';
import { list, object, text } from '../oci/schema.ts';

export type ArchiveItem = {
  /** Path of the config in the archive. */
  readonly Config: string;
  /** "busybox:latest" */
  readonly RepoTags?: readonly string[];
  /** Paths of the layers, lowest first. */
  readonly Layers?: readonly string[];
};

export const manifestFile = 'manifest.json';

const item = object<ArchiveItem>(
  { Config: text(4096) },
  { RepoTags: list(text(512), 1000), Layers: list(text(4096), maxLayers) },
);
const items = list(item, 10_000);

/** @throws OnggiError `corrupt` */
export function parseManifestFile(bytes: Uint8Array, what: string): readonly ArchiveItem[] {
  try {
    return items(JSON.parse(Buffer.from(bytes).toString()), '');
  } catch (cause) {
    const found = cause instanceof OnggiError ? cause.message : 'not JSON';
    throw new OnggiError('corrupt', `${manifestFile} of ${what}: ${found}`, { cause });
  }
}

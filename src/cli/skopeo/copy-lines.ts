/** What Skopeo says of a copy on its way, a line at a time, for whoever reads its output. Pure. */
import type { CopyImageOptions } from '../../engine/types.ts';

export type CopyLines = {
  readonly begin: () => void;
  readonly onEvent: NonNullable<CopyImageOptions['onEvent']>;
  readonly finish: () => void;
};

/** For one image after the other: each begins anew. */
export function copyLines(say: (line: string) => void): CopyLines {
  const seen = new Set<string>();
  const configs = new Set<string>();
  return {
    begin() {
      seen.clear();
      configs.clear();
      say('Getting image source signatures');
    },
    onEvent({ type, digest, config }) {
      if (config) configs.add(digest);
      else if (type === 'layer-exists') say(`Copying blob ${digest} skipped: already exists`);
      else if (!seen.has(digest)) say(`Copying blob ${digest}`);
      seen.add(digest);
    },
    finish() {
      // Skopeo copies it behind the layers.
      for (const config of configs) say(`Copying config ${config}`);
      say('Writing manifest to image destination');
    },
  };
}

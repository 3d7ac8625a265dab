/**
 * What Skopeo says of a copy on its way: a line for each blob, on a terminal one that is drawn again in place with how far
 * it is.
 */
import type { CopyImageOptions } from '../../engine/types.ts';
import { humanBinarySize } from '../format/human-size.ts';
import type { Output } from '../output.ts';

type Tell = NonNullable<CopyImageOptions['onEvent']>;
type CopyEvent = Parameters<Tell>[0];

export type CopyLines = {
  readonly begin: () => void;
  readonly onEvent: Tell;
  readonly finish: () => void;
};

/** More would only make the terminal busy. */
const millisecondsPerFrame = 50;
const barLength = 38;

/** For one image after the other: each begins anew. */
export function copyLines(output: Output, now: () => number): CopyLines {
  const configs = new Set<string>();
  const shown = output.isTerminal() ? drawnBlobs(output, now) : printedBlobs(output);
  return {
    begin() {
      shown.clear();
      configs.clear();
      output.print('Getting image source signatures\n');
    },
    onEvent(event) {
      if (event.config) configs.add(event.digest);
      else shown.tell(event);
    },
    finish() {
      // Skopeo copies it behind the layers.
      for (const config of configs) output.print(`Copying config ${shown.name(config)}\n`);
      output.print('Writing manifest to image destination\n');
    },
  };
}

type Blobs = {
  readonly tell: (event: CopyEvent) => void;
  readonly clear: () => void;
  /** How a blob is called that is done. */
  readonly name: (digest: string) => string;
};

function printedBlobs(output: Output): Blobs {
  const seen = new Set<string>();
  return {
    tell({ type, digest }) {
      if (type === 'layer-exists') output.print(`Copying blob ${digest} skipped: already exists\n`);
      else if (!seen.has(digest)) output.print(`Copying blob ${digest}\n`);
      seen.add(digest);
    },
    clear: () => seen.clear(),
    name: (digest) => digest,
  };
}

function drawnBlobs(output: Output, now: () => number): Blobs {
  /** When each was drawn, in their order. */
  const rows = new Map<string, number>();
  const draw = (digest: string, text: string, at: number): void => {
    if (!rows.has(digest)) output.print('\n');
    rows.set(digest, at);
    // Up to the blob's line, erase it (ECMA-48 CUU, EL, CUD), write, and down again.
    const above = rows.size - [...rows.keys()].indexOf(digest);
    output.print(`\x1b[${above}A\x1b[2K\rCopying blob ${shortName(digest)} ${text}\r\x1b[${above}B`);
  };
  return {
    tell(event) {
      const at = now();
      if (event.type === 'layer-exists') return draw(event.digest, 'skipped: already exists', at);
      if (event.type === 'layer-done') return draw(event.digest, 'done', at);
      const before = rows.get(event.digest);
      if (before !== undefined && at - before < millisecondsPerFrame) return;
      draw(event.digest, bar(event.current, event.total, output.size()?.columns ?? 0), at);
    },
    clear: () => rows.clear(),
    name: (digest) => `${shortName(digest)} done`,
  };
}

function shortName(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1).slice(0, 12);
}

/** "[====>---] 8.3MiB / 28.6MiB", without the bar where the line would not fit. */
function bar(current: number, total: number, columns: number): string {
  const sizes = `${humanBinarySize(current, 3)} / ${humanBinarySize(total, 3)}`;
  if (columns < barLength + 50) return sizes;
  const done = total > 0 ? Math.min(barLength, Math.floor((current / total) * barLength)) : 0;
  const tip = done < barLength ? '>' : '';
  return `[${'='.repeat(done)}${tip}${'-'.repeat(barLength - done - tip.length)}] ${sizes}`;
}

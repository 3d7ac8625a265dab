/** What the prune commands print, in Docker's words. Pure. */
import type { RemovedImage } from '../../engine/index.ts';
import { humanSize } from './human-size.ts';

export function deletedImages(removed: readonly RemovedImage[]): string {
  const lines = removed.flatMap(({ untagged, deleted }) => [
    ...untagged.map((name) => `untagged: ${name}\n`),
    ...deleted.map((id) => `deleted: ${id}\n`),
  ]);
  return lines.length === 0 ? '' : `Deleted Images:\n${lines.join('')}\n`;
}

export function deletedList(heading: string, ids: readonly string[]): string {
  return ids.length === 0 ? '' : `${heading}:\n${ids.map((id) => `${id}\n`).join('')}\n`;
}

export function reclaimedSpace(bytes: number): string {
  return `Total reclaimed space: ${humanSize(bytes, 4)}\n`;
}

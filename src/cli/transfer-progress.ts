/** Progress of a load or a copy: on a terminal a line for each blob that is drawn again in place, elsewhere nothing. */
import type { LayerEvent } from '../engine/types.ts';
import { shortId } from './format/image-row.ts';
import type { Output } from './output.ts';
import { bar } from './progress.ts';

/** More would only make the terminal busy. */
const millisecondsPerFrame = 50;

export function transferProgress(output: Output, word: string, now: () => number): (event: LayerEvent) => void {
  if (!output.isTerminal()) return () => {};
  const lines: string[] = [];
  let drawnAt = 0;
  const draw = (digest: string, text: string): void => {
    const id = shortId(digest);
    if (!lines.includes(id)) {
      lines.push(id);
      output.print('\n');
    }
    // Up to the blob's line, erase it (ECMA-48 CUU, EL, CUD), write, and down again.
    const above = lines.length - lines.indexOf(id);
    output.print(`\x1b[${above}A\x1b[2K\r${id}: ${text} \r\x1b[${above}B`);
  };
  return (event) => {
    if (event.type === 'layer-exists') return draw(event.digest, 'Already exists');
    if (event.type === 'layer-done') return draw(event.digest, `${word} done`);
    if (now() - drawnAt < millisecondsPerFrame) return;
    drawnAt = now();
    draw(event.digest, `${word} ${bar(event, output.size()?.columns ?? 0)}`);
  };
}

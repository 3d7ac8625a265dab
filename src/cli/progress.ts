/**
 * Progress of a pull or push: on a terminal a line for each layer that is drawn again in place, elsewhere a line for each
 * change. The words are Docker's.
 */
import type { PullEvent, PushEvent } from '../engine/types.ts';
import { humanSize } from './format/human-size.ts';
import { shortId } from './format/image-row.ts';
import type { Output } from './output.ts';

export type Progress = {
  readonly event: (event: PullEvent) => void;
  /** A line of its own below the layers. */
  readonly line: (text: string) => void;
};

/** More would only make the terminal busy. */
const millisecondsPerFrame = 50;
/** Below this width Docker leaves the bar out, too. */
const barNeeds = 110;

type Layer = { status: string; drawnAt: number };

/** Says what becomes of a layer; what is transient is left out where lines stay, and drawn seldom where they don't. */
type Update = (digest: string, status: string, transient: boolean) => void;

function layerLines(output: Output, now: () => number): { readonly update: Update; known(digest: string): boolean } {
  const layers = new Map<string, Layer>();
  const draw = output.isTerminal() ? drawInPlace(output, layers) : drawLines(output);
  return {
    known: (digest) => layers.has(shortId(digest)),
    update: (digest, status, transient) => {
      const id = shortId(digest);
      const known = layers.get(id);
      if (known?.status === status) return;
      if (transient && known !== undefined && now() - known.drawnAt < millisecondsPerFrame) return;
      layers.set(id, { status, drawnAt: now() });
      draw(id, status, transient, known === undefined);
    },
  };
}

export function pullProgress(output: Output, now: () => number): Progress {
  const { update, known } = layerLines(output, now);
  let resolved = '';
  return {
    event: (event) => {
      if (event.type === 'layer-exists') update(event.digest, 'Already exists', false);
      if (event.type === 'layer-done') update(event.digest, 'Pull complete', false);
      if (event.type === 'layer-progress') {
        if (!known(event.digest)) update(event.digest, 'Pulling fs layer', false);
        if (event.total > 0 && event.current >= event.total) update(event.digest, 'Download complete', false);
        else if (event.current > 0)
          update(event.digest, `Downloading ${bar(event, output.size()?.columns ?? 0)}`, true);
      }
      if (event.type === 'resolved') resolved = event.digest;
      if (event.type === 'done') output.print(`Digest: ${resolved}\n`);
    },
    line: (text) => output.print(`${text}\n`),
  };
}

/** Docker's lines of a push. */
export function pushProgress(output: Output, now: () => number): (event: PushEvent) => void {
  const { update } = layerLines(output, now);
  return (event) => {
    if (event.type === 'begun') output.print(`The push refers to repository [${event.repository}]\n`);
    if (event.type === 'preparing') update(event.digest, 'Preparing', false);
    if (event.type === 'layer-exists') update(event.digest, 'Layer already exists', false);
    if (event.type === 'layer-mounted') update(event.digest, `Mounted from ${event.from}`, false);
    if (event.type === 'layer-done') update(event.digest, 'Pushed', false);
    if (event.type === 'layer-progress')
      update(event.digest, `Pushing ${bar(event, output.size()?.columns ?? 0)}`, true);
    if (event.type === 'pushed') output.print(`${event.tag}: digest: ${event.digest} size: ${event.size}\n`);
    if (event.type === 'index-left-out') {
      const note = 'Not all multiplatform-content is present and only the available single-platform image was pushed';
      output.print(`\n Info -> ${note}\n         ${event.index} -> ${event.digest}\n`);
    }
  };
}

type Draw = (id: string, status: string, transient: boolean, isNew: boolean) => void;

function drawLines(output: Output): Draw {
  return (id, status, transient) => {
    if (!transient) output.print(`${id}: ${status}\n`);
  };
}

/** Up to the layer's line, erase it (ECMA-48 CUU, EL, CUD), write, and down again. */
function drawInPlace(output: Output, layers: ReadonlyMap<string, Layer>): Draw {
  return (id, status, _, isNew) => {
    if (isNew) output.print('\n');
    const above = layers.size - [...layers.keys()].indexOf(id);
    output.print(`\x1b[${above}A\x1b[2K\r${id}: ${status} \r\x1b[${above}B`);
  };
}

/** "[=====>     ]  1.2MB/3.4MB", without the bar on narrow terminals. */
export function bar({ current, total }: { readonly current: number; readonly total: number }, columns: number): string {
  if (total <= 0) return humanSize(current, 4);
  const sizes = `${humanSize(current, 4).padStart(8)}/${humanSize(total, 4)}`;
  if (columns < barNeeds) return sizes;
  const done = Math.min(50, Math.floor((current / total) * 50));
  return `[${'='.repeat(done)}>${' '.repeat(50 - done)}] ${sizes}`;
}

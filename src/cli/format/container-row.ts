/** A container as `ps` shows it. Pure. */

import { commandLine, listedPorts } from '../../engine/listing/listed.ts';
import type { ContainerSummary, TableShape } from '../../engine/types.ts';
import { quote } from '../template/print.ts';
import { gap, least } from './columns.ts';
import { durationSteps, goTime, humanDuration } from './human-duration.ts';
import { humanSize } from './human-size.ts';
import { type Listing, type Row, tableHeadings } from './listing.ts';

export const containerListing: Listing = {
  subject: 'container',
  headings: {
    ID: 'CONTAINER ID',
    Image: 'IMAGE',
    Command: 'COMMAND',
    CreatedAt: 'CREATED AT',
    RunningFor: 'CREATED',
    Ports: 'PORTS',
    State: 'STATE',
    Status: 'STATUS',
    Names: 'NAMES',
    Platform: 'PLATFORM',
    Size: 'SIZE',
    Labels: 'LABELS',
    LocalVolumes: 'LOCAL VOLUMES',
    Networks: 'NETWORKS',
    Mounts: 'MOUNTS',
  },
  table: '{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}',
  raw: [
    ...['container_id: {{.ID}}', 'image: {{.Image}}', 'command: {{.Command}}', 'created_at: {{.CreatedAt}}'],
    ...['state:{{pad .State 1 0}}', 'status:{{pad .Status 1 0}}', 'names: {{.Names}}', 'labels:{{pad .Labels 1 0}}'],
    'ports:{{pad .Ports 1 0}}\n',
  ].join('\n'),
};

/** The same where the engine makes it (engine/listing/table.ts). @param now milliseconds since the epoch */
export function containerTable(now: number): TableShape {
  return { headings: tableHeadings(containerListing), least, gap, durations: durationSteps, now };
}

/** With `--size`. */
export const sizedListing: Listing = {
  ...containerListing,
  table: `${containerListing.table}\t{{.Size}}`,
  raw: `${containerListing.raw}size: {{.Size}}\n`,
};

export type RowOptions = {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Shorten ids to 12 digits and commands to 20 characters. */
  readonly truncate: boolean;
};

/** What a field of `containerListing` is of a container; null where Docker's has none. */
export function containerColumn(
  field: string,
  { truncate, now }: RowOptions,
): (container: ContainerSummary) => unknown {
  switch (field) {
    case 'ID':
      return ({ id }) => (truncate ? id.slice(0, 12) : id);
    case 'Image':
      return ({ image }) => imageText(image, truncate);
    case 'Command':
      return ({ command }) => commandText(command, truncate);
    case 'CreatedAt':
      return ({ created }) => goTime(created);
    case 'RunningFor':
      return ({ created }) => `${humanDuration(now - created)} ago`;
    case 'Ports':
      return portsOf;
    case 'State':
      return ({ status }) => status;
    case 'Status':
      return (container) => statusText(container, now);
    case 'Names':
      return ({ name }) => name;
    case 'Size':
      return ({ size }) => sizeText(size);
    case 'Labels':
      return ({ labels }) =>
        Object.entries(labels)
          .map(([name, value]) => `${name}=${value}`)
          .sort()
          .join(',');
    case 'LocalVolumes':
      return ({ mounts }) => `${mounts.filter((name) => !name.startsWith('/')).length}`;
    case 'Networks':
      return ({ networkMode }) => networkMode;
    case 'Mounts':
      return ({ mounts }) => mounts.map((name) => (truncate ? ellipsis(name, 15) : name)).join(',');
    case 'Platform':
      // Docker's knows it only with containerd's store of images.
      return () => null;
    default:
      return () => undefined;
  }
}

/** What a template may name of it; most fields are worked out when they are asked for, since some take their time. */
export function containerRow(container: ContainerSummary, options: RowOptions): Row {
  const row = { Label: (name: unknown) => container.labels[String(name)] ?? '' };
  for (const field of Object.keys(containerListing.headings)) {
    Object.defineProperty(row, field, { enumerable: true, get: () => containerColumn(field, options)(container) });
  }
  return row;
}

function commandText(words: readonly string[], truncate: boolean): string {
  const command = commandLine(words);
  return quote(truncate ? ellipsis(command, 20) : command);
}

/** "Up 3 seconds", "Exited (0) 4 seconds ago", "Created". */
export function statusText(container: ContainerSummary, now: number): string {
  if (isUp(container)) {
    const up = `Up ${humanDuration(now - (container.startedAt ?? now))}`;
    return container.status === 'paused' ? `${up} (Paused)` : `${up}${healthText(container)}`;
  }
  if (container.status === 'created') return 'Created';
  if (container.status === 'initialized') return 'Initialized';
  const word = container.status === 'restarting' ? 'Restarting' : 'Exited';
  return `${word} (${container.exitCode ?? 0}) ${humanDuration(now - (container.finishedAt ?? now))} ago`;
}

/** "80/tcp": what it listens on; only what has a network of its own has ports, and only while it is there. */
export function openPorts(container: ContainerSummary): readonly string[] {
  return isUp(container) && container.networkMode === 'bridge' ? container.exposed : [];
}

function portsOf(container: ContainerSummary): string {
  if (!isUp(container)) return '';
  return listedPorts(openPorts(container), container.ports);
}

function healthText({ health }: ContainerSummary): string {
  if (health === null) return '';
  return health === 'starting' ? ' (health: starting)' : ` (${health})`;
}

/** Its processes are there. */
export function isUp({ status }: ContainerSummary): boolean {
  return status === 'running' || status === 'paused';
}

/** "12B (virtual 1.5MB)": the writable layer, and the image with it. */
function sizeText(size: ContainerSummary['size']): string {
  if (size === undefined) return '0B';
  const own = humanSize(size.writable, 3);
  return size.virtual > 0 ? `${own} (virtual ${humanSize(size.virtual, 3)})` : own;
}

function imageText(image: string, truncate: boolean): string {
  if (image === '') return '<no image>';
  if (!truncate || image.length < 64) return image;
  const id = /^(?:sha256:)?([0-9a-f]{64})$/.exec(image)?.[1];
  return id === undefined ? image : id.slice(0, 12);
}

function ellipsis(text: string, length: number): string {
  if (text.length <= length) return text;
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}

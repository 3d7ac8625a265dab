/** A container as `ps` shows it. Pure. */
import type { ContainerSummary, PortMapping } from '../../engine/types.ts';
import { quote } from '../template/print.ts';
import { goTime, humanDuration } from './human-duration.ts';
import type { Listing, Row } from './listing.ts';

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
    Labels: 'LABELS',
    Networks: 'NETWORKS',
    Mounts: 'MOUNTS',
  },
  table: '{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}',
};

export type RowOptions = {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Shorten ids to 12 digits and commands to 20 characters. */
  readonly truncate: boolean;
};

export function containerRow(container: ContainerSummary, options: RowOptions): Row {
  const { labels } = container;
  const command = container.command.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg)).join(' ');
  return {
    Command: quote(options.truncate ? ellipsis(command, 20) : command),
    CreatedAt: goTime(container.created),
    ID: options.truncate ? container.id.slice(0, 12) : container.id,
    Image: imageText(container.image, options.truncate),
    Label: (name: unknown) => labels[String(name)] ?? '',
    Labels: Object.entries(labels)
      .map(([name, value]) => `${name}=${value}`)
      .sort()
      .join(','),
    Mounts: container.mounts.map((name) => (options.truncate ? ellipsis(name, 15) : name)).join(','),
    Names: container.name,
    Networks: container.networkMode,
    Ports: portsText(isUp(container) ? container.ports : []),
    RunningFor: `${humanDuration(options.now - container.created)} ago`,
    State: container.status,
    Status: statusText(container, options.now),
  };
}

/** "Up 3 seconds", "Exited (0) 4 seconds ago", "Created". */
export function statusText(container: ContainerSummary, now: number): string {
  if (isUp(container)) {
    const up = `Up ${humanDuration(now - (container.startedAt ?? now))}`;
    return container.status === 'paused' ? `${up} (Paused)` : up;
  }
  if (container.status === 'created') return 'Created';
  const word = container.status === 'restarting' ? 'Restarting' : 'Exited';
  return `${word} (${container.exitCode ?? 0}) ${humanDuration(now - (container.finishedAt ?? now))} ago`;
}

function isUp({ status }: ContainerSummary): boolean {
  return status === 'running' || status === 'paused';
}

function imageText(image: string, truncate: boolean): string {
  if (image === '') return '<no image>';
  const id = /^(?:sha256:)?([0-9a-f]{64})$/.exec(image)?.[1];
  return truncate && id !== undefined ? id.slice(0, 12) : image;
}

function ellipsis(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}

/**
 * "0.0.0.0:8000-8002->8000-8002/tcp, 127.0.0.1:53->5353/udp": ports that keep their number are joined to ranges and
 * come first, as Docker's client has it.
 */
export function portsText(ports: readonly PortMapping[]): string {
  const sorted = [...ports].sort(
    (a, b) =>
      a.containerPort - b.containerPort ||
      compare(a.hostIp, b.hostIp) ||
      a.hostPort - b.hostPort ||
      compare(a.protocol, b.protocol),
  );
  const moved = sorted.filter(({ hostPort, containerPort }) => hostPort !== containerPort);
  const groups = new Map<string, { first: number; last: number }[]>();
  for (const { hostIp, containerPort, protocol } of sorted.filter((port) => !moved.includes(port))) {
    const key = `${hostText(hostIp)}/${protocol}`;
    const ranges = groups.get(key) ?? [];
    const open = ranges.at(-1);
    if (open !== undefined && open.last === containerPort - 1) open.last = containerPort;
    else ranges.push({ first: containerPort, last: containerPort });
    groups.set(key, ranges);
  }
  const joined = [...groups].flatMap(([key, ranges]) => {
    const [host = '', protocol = ''] = splitLast(key, '/');
    return ranges.map(({ first, last }) => {
      const range = first === last ? `${first}` : `${first}-${last}`;
      return `${host}:${range}->${range}/${protocol}`;
    });
  });
  const rest = moved.map((p) => `${hostText(p.hostIp)}:${p.hostPort}->${p.containerPort}/${p.protocol}`);
  return [...joined, ...rest].join(', ');
}

/** An address as it stands before a port. */
export function hostText(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

function splitLast(text: string, separator: string): [string, string] {
  const at = text.lastIndexOf(separator);
  return [text.slice(0, at), text.slice(at + 1)];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

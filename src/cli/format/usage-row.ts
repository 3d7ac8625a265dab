/** `system df` as Docker prints it. Pure. */
import type { ContainerUsage, ImageUsage, SystemUsage, VolumeUsage } from '../../engine/index.ts';
import { containerRow, statusText } from './container-row.ts';
import { goTime, humanDuration } from './human-duration.ts';
import { humanSize } from './human-size.ts';
import { shortId, splitName } from './image-row.ts';
import type { Listing, Row } from './listing.ts';
import { visibleLine } from './visible.ts';
import { volumeRow } from './volume-row.ts';

export const usageListing: Listing = {
  subject: 'disk usage',
  headings: { Type: 'TYPE', TotalCount: 'TOTAL', Active: 'ACTIVE', Size: 'SIZE', Reclaimable: 'RECLAIMABLE' },
  table: '{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}',
  raw: [
    ...['type: {{.Type}}', 'total: {{.TotalCount}}', 'active: {{.Active}}', 'size: {{.Size}}'],
    'reclaimable: {{.Reclaimable}}\n',
  ].join('\n'),
};

export function usageRows({
  images,
  imagesSize,
  imagesReclaimable,
  containers,
  volumes,
  registry,
}: SystemUsage): Row[] {
  const running = containers.filter(({ container }) => container.status !== 'created' && container.status !== 'exited');
  const idle = (list: readonly { readonly size: number }[]) => list.reduce((sum, { size }) => sum + size, 0);
  const stopped = containers.filter((each) => !running.includes(each));
  const used = images.filter(({ image }) => image.containers > 0).length;
  return [
    usageRow('Images', images.length, used, imagesSize, imagesReclaimable),
    usageRow('Containers', containers.length, running.length, idle(containers), idle(stopped)),
    usageRow(
      'Local Volumes',
      volumes.length,
      volumes.filter(({ links }) => links > 0).length,
      idle(volumes),
      idle(volumes.filter(({ links }) => links === 0)),
    ),
    usageRow('Build Cache', 0, 0, 0, 0),
    // Docker has none: it stands there where there is one.
    ...(registry.manifests > 0 || registry.size > 0
      ? [usageRow('Registry', registry.manifests, registry.tagged, registry.size, registry.reclaimable)]
      : []),
  ];
}

function usageRow(type: string, total: number, active: number, size: number, reclaimable: number): Row {
  const share = size > 0 ? ` (${Math.floor((reclaimable * 100) / size)}%)` : '';
  return {
    Active: String(active),
    Reclaimable: `${humanSize(reclaimable, 4)}${type === 'Build Cache' ? '' : share}`,
    Size: humanSize(size, 4),
    TotalCount: String(total),
    Type: type,
  };
}

/** All of it for `--verbose --format`, in the fields of the lists of each kind. */
export function usageRecord(usage: SystemUsage, now: number): Readonly<Record<string, readonly Row[]>> {
  const plain = (row: Row): Row =>
    Object.fromEntries(Object.entries(row).filter(([, value]) => typeof value !== 'function'));
  return {
    Images: usage.images.map((each) => ({
      ...imageUsageRow(each, now),
      CreatedAt: goTime(each.image.created),
      Digest: '<none>',
    })),
    Containers: usage.containers.map((each) =>
      plain({ ...containerRow(each.container, { now, truncate: true }), ...containerUsageRow(each, now) }),
    ),
    Volumes: usage.volumes.map((each) => ({ ...plain(volumeRow(each.volume)), ...volumeUsageRow(each) })),
    BuildCache: [],
  };
}

export const imageUsageListing: Listing = {
  subject: 'image',
  headings: {
    Repository: 'REPOSITORY',
    Tag: 'TAG',
    ID: 'IMAGE ID',
    CreatedSince: 'CREATED',
    Size: 'SIZE',
    SharedSize: 'SHARED SIZE',
    UniqueSize: 'UNIQUE SIZE',
    Containers: 'CONTAINERS',
  },
  table:
    '{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}',
};

export function imageUsageRow({ image, shared, unique }: ImageUsage, now: number): Row {
  const [name] = image.names;
  const { repository, tag } = name === undefined ? { repository: '<none>', tag: '<none>' } : splitName(name);
  return {
    Containers: String(image.containers),
    CreatedSince: `${humanDuration(now - image.created)} ago`,
    ID: shortId(image.id),
    Repository: repository,
    SharedSize: humanSize(shared, 4),
    Size: humanSize(shared + unique, 4),
    Tag: tag,
    UniqueSize: humanSize(unique, 4),
  };
}

export const containerUsageListing: Listing = {
  subject: 'container',
  headings: {
    ID: 'CONTAINER ID',
    Image: 'IMAGE',
    Command: 'COMMAND',
    LocalVolumes: 'LOCAL VOLUMES',
    Size: 'SIZE',
    RunningFor: 'CREATED',
    Status: 'STATUS',
    Names: 'NAMES',
  },
  table: '{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}',
};

export function containerUsageRow({ container, size }: ContainerUsage, now: number): Row {
  const command = visibleLine(container.command.join(' '));
  return {
    Command: `"${command.length > 20 ? `${command.slice(0, 19)}…` : command}"`,
    ID: container.id.slice(0, 12),
    Image: container.image,
    LocalVolumes: String(container.mounts.filter((mount) => !mount.startsWith('/')).length),
    Names: container.name,
    RunningFor: `${humanDuration(now - container.created)} ago`,
    Size: humanSize(size, 4),
    Status: statusText(container, now),
  };
}

export const volumeUsageListing: Listing = {
  subject: 'volume',
  headings: { Name: 'VOLUME NAME', Links: 'LINKS', Size: 'SIZE' },
  table: '{{.Name}}\t{{.Links}}\t{{.Size}}',
};

export function volumeUsageRow({ volume, links, size }: VolumeUsage): Row {
  return { Links: String(links), Name: volume.name, Size: humanSize(size, 4) };
}

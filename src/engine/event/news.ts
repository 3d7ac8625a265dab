/** Events as Docker words them: their actions and attributes. Pure. */
import type { Container } from '../container/container.ts';
import type { EngineEvent } from '../types/event.ts';
import type { Ending } from '../types.ts';

export type News = Omit<EngineEvent, 'time'>;

type Attributes = EngineEvent['attributes'];

/** Labels, image and name are in every event of a container, so that filters need nothing else. */
export function containerNews(container: Container, action: string, more: Attributes = {}): News {
  const { row, options, imageLabels } = container;
  const attributes = { ...imageLabels, ...options.labels, image: row.imageReference, name: row.name, ...more };
  return { type: 'container', action, id: row.id, attributes };
}

/** In the order in which a start does it. @param attached somebody sees its output from the beginning on */
export function startNews(container: Container, attached: boolean): News[] {
  return [
    ...(attached ? [containerNews(container, 'attach')] : []),
    networkNews(container, 'connect'),
    ...mountNews(container, 'mount'),
    containerNews(container, 'start'),
  ];
}

/** The end of what ran. What was killed for want of memory has been told by its shim (native/shim/oom.h). */
export function endNews(container: Container, { exitCode, finishedAt }: Ending): News[] {
  const { startedAt } = container.row;
  const seconds = Math.max(0, Math.floor((finishedAt - (startedAt ?? finishedAt)) / 1000));
  return [
    containerNews(container, 'die', { execDuration: `${seconds}`, exitCode: `${exitCode}` }),
    networkNews(container, 'disconnect'),
    ...mountNews(container, 'unmount'),
  ];
}

const networkTypes: Readonly<Record<string, string>> = { none: 'null', host: 'host' };

export function networkNews({ row }: Container, action: 'connect' | 'disconnect'): News {
  const name = row.networkName ?? row.networkMode;
  const type = networkTypes[row.networkMode] ?? 'bridge';
  return { type: 'network', action, id: name, attributes: { container: row.id, name, type } };
}

function mountNews({ row, options }: Container, action: 'mount' | 'unmount'): News[] {
  return (options.mounts ?? []).flatMap((mount) => {
    if (mount.type !== 'volume' || mount.name === undefined) return [];
    const details = { destination: mount.target, propagation: '', 'read/write': `${!mount.readOnly}` };
    const attributes = { container: row.id, driver: 'local', ...(action === 'mount' && details) };
    return [{ type: 'volume' as const, action, id: mount.name, attributes }];
  });
}

export function volumeNews(action: 'create' | 'destroy', name: string): News {
  return { type: 'volume', action, id: name, attributes: { driver: 'local' } };
}

/** @param reclaimed bytes */
export function pruneNews(type: EngineEvent['type'], reclaimed: number): News {
  return { type, action: 'prune', id: '', attributes: { reclaimed: `${reclaimed}` } };
}

export function imageNews(action: string, id: string, name: string): News {
  return { type: 'image', action, id, attributes: { name } };
}

/** `--filter` of `ps`. Pure. */
import type { ContainerStatus, ContainerSummary } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import { parseBoolean } from '../value/number.ts';
import { openPorts } from './container-row.ts';
import {
  compile,
  type Filter,
  invalidValue,
  labelled,
  matching,
  type Predicate,
  type Tests,
  withTag,
} from './filter.ts';

const statuses: Readonly<Record<string, ContainerStatus | null>> = {
  created: 'created',
  // As in Podman.
  initialized: 'initialized',
  running: 'running',
  exited: 'exited',
  restarting: 'restarting',
  // States of Docker that no container is ever in here: valid, and matched by none.
  removing: null,
  paused: 'paused',
  dead: null,
};

/** Diff ids of images, from the lowest, by their id and by what they were called. */
export type Layers = ReadonlyMap<string, readonly string[]>;

const containerTests = (layers: Layers): Tests<ContainerSummary> => ({
  id: (value, others) => {
    // As with Docker: a beginning of several ids names none.
    const [only, ...more] = value === '' ? [] : others.filter(({ id }) => id.startsWith(value));
    return ({ id }) => more.length === 0 && id === only?.id;
  },
  name: (value) => matching(value, ({ name }) => [name, `/${name}`]),
  label: (value) => labelled(value, ({ labels }) => labels),
  status: (value) => {
    const status = Object.hasOwn(statuses, value) ? statuses[value] : undefined;
    if (status === undefined) throw invalidValue('status', value);
    return (container) => container.status === status;
  },
  exited: (value) => {
    if (!/^-?\d+$/.test(value)) throw invalidValue('exited', value);
    return ({ status, exitCode }) => status === 'exited' && exitCode === Number(value);
  },
  ancestor: (value) => (container) => isImage(container, value) || standsOn(container, value, layers),
  before: (value, others) => older(containerNamed(value, others)),
  since: (value, others) => newer(containerNamed(value, others)),
  network: (value) => (container) => container.networkMode === value,
  volume:
    (value) =>
    ({ mounts, destinations }) =>
      mounts.includes(value) || destinations.includes(value),
  expose: (value) => {
    const { first, last, protocol } = parsePort(value, 'expose');
    return (container) =>
      openPorts(container).some((port) => {
        const [number, kind] = port.split('/');
        return kind === protocol && Number(number) >= first && Number(number) <= last;
      });
  },
  // There is no swarm: no container is one of its tasks.
  'is-task': (value) => {
    if (!/^(?:0|1|t|f|true|false)$/i.test(value)) throw invalidValue('is-task', value);
    const wanted = parseBoolean(value.toLowerCase());
    return () => !wanted;
  },
  health: (value) => {
    if (!['starting', 'healthy', 'unhealthy', 'none'].includes(value)) throw invalidValue('health', value);
    return ({ health }) => (health ?? 'none') === value;
  },
  publish: (value) => {
    const { first, last, protocol } = parsePort(value, 'publish');
    return ({ ports }) =>
      ports.some((port) => port.protocol === protocol && port.hostPort >= first && port.hostPort <= last);
  },
});

export function containerFilter(
  filters: readonly Filter[],
  others: readonly ContainerSummary[],
  layers: Layers = new Map(),
): Predicate<ContainerSummary> {
  return compile(filters, containerTests(layers), others);
}

/** Whether a list without --all shows those that don't run, too. */
export function showsAll(filters: readonly Filter[]): boolean {
  return filters.some(({ key }) => key === 'status');
}

/** Whether a filter may name a container that is not shown itself. */
export function namesOthers(filters: readonly Filter[]): boolean {
  return filters.some(({ key }) => key === 'before' || key === 'since' || key === 'id');
}

/** Its image was made from that one: it begins with the same layers. */
function standsOn({ imageId }: ContainerSummary, wanted: string, layers: Layers): boolean {
  const [own = [], below = []] = [layers.get(imageId ?? ''), layers.get(wanted)];
  return below.length > 0 && below.length < own.length && below.every((layer, index) => layer === own[index]);
}

function isImage({ image, imageId }: ContainerSummary, wanted: string): boolean {
  const digest = imageId === null ? '' : imageId;
  const hex = digest.slice(digest.indexOf(':') + 1);
  const isId = /^[0-9a-f]{4,64}$/.test(wanted) && hex.startsWith(wanted);
  return isId || wanted === digest || wanted === image || withTag(wanted) === withTag(image);
}

function containerNamed(ref: string, others: readonly ContainerSummary[]): ContainerSummary {
  const found =
    others.find(({ id, name }) => id === ref || name === ref) ?? others.find(({ id }) => id.startsWith(ref));
  if (found === undefined) throw new OnggiError('not-found', `No such container: ${ref}`);
  return found;
}

function older(reference: ContainerSummary): Predicate<ContainerSummary> {
  return ({ created }) => created < reference.created;
}

function newer(reference: ContainerSummary): Predicate<ContainerSummary> {
  return ({ created }) => created > reference.created;
}

function parsePort(value: string, key: string): { first: number; last: number; protocol: string } {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/.exec(value);
  const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (match === null || first > last || last > 65_535) throw invalidValue(key, value);
  return { first, last, protocol: match[3] ?? 'tcp' };
}

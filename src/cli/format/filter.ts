/**
 * `--filter` of `ps` and `images`. Pure. As in Docker, different keys must all match, values of one key are
 * alternatives, but every label must match.
 */
import type { ContainerStatus, ContainerSummary, ImageSummary } from '../../engine/types.ts';
import { OnggiError, unsupported } from '../../errors.ts';
import { parseInstant } from '../value/instant.ts';
import { parseBoolean } from '../value/number.ts';

export type Filter = { readonly key: string; readonly value: string };

/** @throws OnggiError `invalid` with Docker's words */
export function parseFilter(text: string): Filter {
  const equals = text.indexOf('=');
  if (equals < 0) throw new OnggiError('invalid', 'bad format of filter (expected name=value)');
  return { key: text.slice(0, equals).trim().toLowerCase(), value: text.slice(equals + 1).trim() };
}

export type Predicate<T> = (item: T) => boolean;

type Tests<T> = Readonly<Record<string, (value: string, others: readonly T[]) => Predicate<T>>>;

/** @param others every item there is: `before` and `since` name one of them */
function compile<T>(
  filters: readonly Filter[],
  tests: Tests<T>,
  notYet: readonly string[],
  others: readonly T[],
): Predicate<T> {
  const byKey = new Map<string, Predicate<T>[]>();
  for (const { key, value } of filters) {
    const test = Object.hasOwn(tests, key) ? tests[key] : undefined;
    if (test === undefined && notYet.includes(key)) throw unsupported(`filter '${key}'`);
    if (test === undefined) {
      const known = Object.keys(tests).join(', ');
      throw new OnggiError('invalid', `Invalid filter '${key}'`, { hint: `There are: ${known}.` });
    }
    const alternatives = byKey.get(key) ?? [];
    alternatives.push(test(value, others));
    byKey.set(key, alternatives);
  }
  return (item) =>
    [...byKey].every(([key, alternatives]) =>
      key === 'label' ? alternatives.every((matches) => matches(item)) : alternatives.some((matches) => matches(item)),
    );
}

const statuses: Readonly<Record<string, ContainerStatus | null>> = {
  created: 'created',
  running: 'running',
  exited: 'exited',
  restarting: 'restarting',
  // States of Docker that no container is ever in here: valid, and matched by none.
  removing: null,
  paused: 'paused',
  dead: null,
};

const containerTests: Tests<ContainerSummary> = {
  id: (value) => matching(value, ({ id }) => [id]),
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
  ancestor: (value) => (container) => isImage(container, value),
  before: (value, others) => older(containerNamed(value, others)),
  since: (value, others) => newer(containerNamed(value, others)),
  network: (value) => (container) => container.networkMode === value,
  volume:
    (value) =>
    ({ mounts }) =>
      mounts.includes(value),
  publish: (value) => {
    const { first, last, protocol } = parsePort(value);
    return ({ ports }) =>
      ports.some((port) => port.protocol === protocol && port.hostPort >= first && port.hostPort <= last);
  },
};

export function containerFilter(
  filters: readonly Filter[],
  others: readonly ContainerSummary[],
): Predicate<ContainerSummary> {
  return compile(filters, containerTests, ['expose', 'health', 'is-task'], others);
}

/** Whether a list without --all must look at those that don't run, too. */
export function needsAll(filters: readonly Filter[]): boolean {
  return filters.some(({ key }) => key === 'status' || key === 'before' || key === 'since');
}

/** An image with what only a look into its config tells. */
export type LabelledImage = { readonly image: ImageSummary; readonly labels: Readonly<Record<string, string>> };

const imageTests = (now: number): Tests<LabelledImage> => ({
  dangling: (value) => {
    const wanted = parseBoolean(value);
    return ({ image }) => (image.names.length === 0) === wanted;
  },
  label: (value) => labelled(value, ({ labels }) => labels),
  before: (value, others) => {
    const { image: reference } = imageNamed(value, others);
    return ({ image }) => image.created < reference.created;
  },
  since: (value, others) => {
    const { image: reference } = imageNamed(value, others);
    return ({ image }) => image.created > reference.created;
  },
  reference: (value) => {
    const pattern = globPattern(value);
    return ({ image }) => image.names.some((name) => pattern.test(name) || pattern.test(withoutTag(name)));
  },
  until: (value) => {
    const instant = parseInstant(value, now, 'until');
    return ({ image }) => image.created < instant;
  },
});

/** @param now milliseconds since the epoch, for lengths of time */
export function imageFilter(
  filters: readonly Filter[],
  others: readonly LabelledImage[],
  now: number,
): Predicate<LabelledImage> {
  return compile(filters, imageTests(now), [], others);
}

function invalidValue(key: string, value: string): OnggiError {
  return new OnggiError('invalid', `Invalid filter '${key}=${value}'`);
}

/** Docker takes these values as regular expressions that may match anywhere. */
function matching<T>(value: string, texts: (item: T) => readonly string[]): Predicate<T> {
  let pattern: RegExp;
  try {
    pattern = new RegExp(value);
  } catch (cause) {
    throw new OnggiError('invalid', `filter value '${value}' is not a regular expression`, { cause });
  }
  return (item) => texts(item).some((text) => pattern.test(text));
}

function labelled<T>(value: string, labelsOf: (item: T) => Readonly<Record<string, string>>): Predicate<T> {
  const equals = value.indexOf('=');
  const name = equals < 0 ? value : value.slice(0, equals);
  const wanted = equals < 0 ? undefined : value.slice(equals + 1);
  return (item) => {
    const labels = labelsOf(item);
    return Object.hasOwn(labels, name) && (wanted === undefined || labels[name] === wanted);
  };
}

function isImage({ image, imageId }: ContainerSummary, wanted: string): boolean {
  const digest = imageId === null ? '' : imageId;
  const hex = digest.slice(digest.indexOf(':') + 1);
  const isId = /^[0-9a-f]{4,64}$/.test(wanted) && hex.startsWith(wanted);
  return isId || wanted === digest || wanted === image || withTag(wanted) === withTag(image);
}

function withTag(name: string): string {
  return name.includes('@') || name.lastIndexOf(':') > name.lastIndexOf('/') ? name : `${name}:latest`;
}

function withoutTag(name: string): string {
  const at = name.indexOf('@');
  const bare = at < 0 ? name : name.slice(0, at);
  const colon = bare.lastIndexOf(':');
  return colon > bare.lastIndexOf('/') ? bare.slice(0, colon) : bare;
}

function containerNamed(ref: string, others: readonly ContainerSummary[]): ContainerSummary {
  const found =
    others.find(({ id, name }) => id === ref || name === ref) ?? others.find(({ id }) => id.startsWith(ref));
  if (found === undefined) throw new OnggiError('not-found', `No such container: ${ref}`);
  return found;
}

function imageNamed(ref: string, others: readonly LabelledImage[]): LabelledImage {
  const hex = ref.replace(/^sha256:/, '');
  const found =
    others.find(({ image }) => image.names.includes(withTag(ref))) ??
    others.find(({ image }) => hex.length >= 4 && image.id.slice(image.id.indexOf(':') + 1).startsWith(hex));
  if (found === undefined) throw new OnggiError('not-found', `No such image: ${ref}`);
  return found;
}

function older(reference: ContainerSummary): Predicate<ContainerSummary> {
  return ({ created }) => created < reference.created;
}

function newer(reference: ContainerSummary): Predicate<ContainerSummary> {
  return ({ created }) => created > reference.created;
}

function parsePort(value: string): { first: number; last: number; protocol: string } {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp))?$/.exec(value);
  if (match === null) throw invalidValue('publish', value);
  return { first: Number(match[1]), last: Number(match[2] ?? match[1]), protocol: match[3] ?? 'tcp' };
}

/** A shell pattern in which `*` and `?` don't match a slash. */
export function globPattern(glob: string): RegExp {
  const source = glob.replace(/\[(?:\\.|[^\]\\])+\]|\\.|[\s\S]/g, (part) => {
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    if (part.length > 1) return part.replace(/^\[\^/, '[^');
    return part.replace(/[.+^${}()|[\]\\/]/, '\\$&');
  });
  return new RegExp(`^${source}$`);
}

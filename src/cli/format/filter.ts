/**
 * `--filter` of lists, and those of `images`. Pure. As in Docker, different keys must all match, values of one key are
 * alternatives, but every label must match.
 */
import type { ImageSummary } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
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

export type Tests<T> = Readonly<Record<string, (value: string, others: readonly T[]) => Predicate<T>>>;

/** @param others every item there is: `before` and `since` name one of them */
export function compile<T>(filters: readonly Filter[], tests: Tests<T>, others: readonly T[]): Predicate<T> {
  const byKey = new Map<string, Predicate<T>[]>();
  for (const { key, value } of filters) {
    const test = Object.hasOwn(tests, key) ? tests[key] : undefined;
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
  return compile(filters, imageTests(now), others);
}

export function invalidValue(key: string, value: string): OnggiError {
  return new OnggiError('invalid', `Invalid filter '${key}=${value}'`);
}

/** Docker takes these values as regular expressions that may match anywhere. */
export function matching<T>(value: string, texts: (item: T) => readonly string[]): Predicate<T> {
  let pattern: RegExp;
  try {
    pattern = new RegExp(value);
  } catch (cause) {
    throw new OnggiError('invalid', `filter value '${value}' is not a regular expression`, { cause });
  }
  return (item) => texts(item).some((text) => pattern.test(text));
}

export function labelled<T>(value: string, labelsOf: (item: T) => Readonly<Record<string, string>>): Predicate<T> {
  const equals = value.indexOf('=');
  const name = equals < 0 ? value : value.slice(0, equals);
  const wanted = equals < 0 ? undefined : value.slice(equals + 1);
  return (item) => {
    const labels = labelsOf(item);
    return Object.hasOwn(labels, name) && (wanted === undefined || labels[name] === wanted);
  };
}

export function withTag(name: string): string {
  return name.includes('@') || name.lastIndexOf(':') > name.lastIndexOf('/') ? name : `${name}:latest`;
}

function withoutTag(name: string): string {
  const at = name.indexOf('@');
  const bare = at < 0 ? name : name.slice(0, at);
  const colon = bare.lastIndexOf(':');
  return colon > bare.lastIndexOf('/') ? bare.slice(0, colon) : bare;
}

function imageNamed(ref: string, others: readonly LabelledImage[]): LabelledImage {
  const hex = ref.replace(/^sha256:/, '');
  const found =
    others.find(({ image }) => image.names.includes(withTag(ref))) ??
    others.find(({ image }) => hex.length >= 4 && image.id.slice(image.id.indexOf(':') + 1).startsWith(hex));
  if (found === undefined) throw new OnggiError('not-found', `No such image: ${ref}`);
  return found;
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

/** Volumes as `volume ls` and `volume inspect` show them. Pure. */
import type { VolumeSummary } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import { parseBoolean } from '../value/number.ts';
import { type Filter, matching } from './filter.ts';
import type { Listing, Row } from './listing.ts';

export const volumeListing: Listing = {
  subject: 'volume',
  headings: {
    Name: 'VOLUME NAME',
    Driver: 'DRIVER',
    Scope: 'SCOPE',
    Mountpoint: 'MOUNTPOINT',
    Labels: 'LABELS',
    Links: 'LINKS',
    Size: 'SIZE',
    Availability: 'AVAILABILITY',
    Group: 'GROUP',
    Status: 'STATUS',
  },
  table: '{{.Driver}}\t{{.Name}}',
  raw: 'name: {{.Name}}\ndriver: {{.Driver}}\n',
};

export function volumeRow({ name, labels, mountPoint }: VolumeSummary): Row {
  return {
    // Of volumes of a cluster.
    Availability: 'N/A',
    Driver: 'local',
    Group: 'N/A',
    Label: (label: unknown) => labels[String(label)] ?? '',
    Labels: Object.entries(labels)
      .map(([label, value]) => `${label}=${value}`)
      .sort()
      .join(','),
    Links: 'N/A',
    Mountpoint: mountPoint,
    Name: name,
    Scope: 'local',
    Size: 'N/A',
    Status: 'N/A',
  };
}

/** In the shape of the Docker Engine API. */
export function volumeRecord(volume: VolumeSummary): Record<string, unknown> {
  const orNull = (texts: Readonly<Record<string, string>>) => (Object.keys(texts).length === 0 ? null : texts);
  return {
    CreatedAt: new Date(volume.created).toISOString().replace(/\.\d+Z$/, 'Z'),
    Driver: 'local',
    Labels: orNull({ ...(volume.anonymous && { 'com.docker.volume.anonymous': '' }), ...volume.labels }),
    Mountpoint: volume.mountPoint,
    Name: volume.name,
    Options: orNull(volume.options),
    Scope: 'local',
  };
}

type Test = (value: string) => (volume: VolumeSummary) => boolean;

const tests: Readonly<Record<string, Test>> = {
  dangling: (value) => {
    const wanted = parseBoolean(value);
    return ({ used }) => used !== wanted;
  },
  driver: (value) => () => value === 'local',
  label: (value) => labelled(value),
  'label!': (value) => (volume) => !labelled(value)(volume),
  name: (value) => matching(value, ({ name }) => [name]),
};

function labelled(text: string): (volume: VolumeSummary) => boolean {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  return ({ labels }) => {
    const value = Object.hasOwn(labels, name) ? labels[name] : undefined;
    return value !== undefined && (equals < 0 || value === text.slice(equals + 1));
  };
}

/** Values of one key are alternatives, but every label must match. @throws OnggiError `invalid` */
export function volumeFilter(
  filters: readonly Filter[],
  allowed: readonly string[],
): (volume: VolumeSummary) => boolean {
  const byKey = Map.groupBy(filters, ({ key }) => key);
  const groups = [...byKey].map(([key, values]) => {
    const test = allowed.includes(key) && Object.hasOwn(tests, key) ? tests[key] : undefined;
    if (test === undefined) {
      throw new OnggiError('invalid', `invalid filter '${key}'`, { hint: `There are: ${allowed.join(', ')}.` });
    }
    const matches = values.map(({ value }) => test(value));
    return (volume: VolumeSummary) =>
      key.startsWith('label') ? matches.every((match) => match(volume)) : matches.some((match) => match(volume));
  });
  return (volume) => groups.every((matches) => matches(volume));
}

/** `--filter` of the prune commands: until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE]. Pure. */
import { OnggiError } from '../../errors.ts';
import { parseInstant } from '../value/instant.ts';
import { parseBoolean } from '../value/number.ts';

export type PruneFilter = { readonly key: string; readonly value: string };

const keys = ['until', 'label', 'label!', 'dangling'] as const;

/** What is not of this form is a fault of the command line; an unknown key is the engine's to refuse. @throws OnggiError `invalid` */
export function parsePruneFilter(text: string): PruneFilter {
  const match = /^\s*([^=!]*?)\s*(!?)=(.*)$/s.exec(text);
  if (match === null) throw new OnggiError('invalid', 'bad format of filter (expected name=value)');
  const [, name = '', not = '', value = ''] = match;
  return { key: `${name}${not}`, value: value.trim() };
}

export type PruneSelection = {
  /** Milliseconds since the epoch; undefined: whatever its age. */
  readonly before: number | undefined;
  /** Undefined: whatever its labels, which need not be looked at. */
  readonly labels: ((labels: Readonly<Record<string, string>>) => boolean) | undefined;
  /** What `dangling=` says, if it is there. */
  readonly dangling: boolean | undefined;
};

/** Every filter must match; of several `until` the earliest counts, and Docker refuses them. @throws OnggiError `invalid` */
export function pruneSelection(filters: readonly PruneFilter[], now: number): PruneSelection {
  const stranger = filters.find(({ key }) => !(keys as readonly string[]).includes(key));
  if (stranger !== undefined) {
    throw new OnggiError('invalid', `Invalid filter '${stranger.key}'`, { hint: 'There are: until, label, label!.' });
  }
  const valuesOf = (key: (typeof keys)[number]) => filters.filter((each) => each.key === key).map(({ value }) => value);
  const [until, ...more] = valuesOf('until');
  if (more.length > 0) throw new OnggiError('invalid', 'more than one until filter specified');
  const wanted = valuesOf('label').map(parseLabel);
  const unwanted = valuesOf('label!').map(parseLabel);
  const dangling = valuesOf('dangling').at(-1);
  return {
    before: until === undefined ? undefined : parseInstant(until, now, 'until'),
    labels:
      wanted.length + unwanted.length === 0
        ? undefined
        : (labels) => wanted.every((has) => has(labels)) && !unwanted.some((has) => has(labels)),
    dangling: dangling === undefined ? undefined : parseBoolean(dangling),
  };
}

function parseLabel(text: string): (labels: Readonly<Record<string, string>>) => boolean {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  return (labels) => Object.hasOwn(labels, name) && (equals < 0 || labels[name] === text.slice(equals + 1));
}

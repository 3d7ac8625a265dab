/** Which events somebody wants, by the rules of Docker's daemon (moby, daemon/events/filter.go). Pure. */
import { OnggiError } from '../../errors.ts';
import { type EngineEvent, type EventFilter, type EventType, eventTypes } from '../types/event.ts';

type Test = (event: EngineEvent, values: readonly string[]) => boolean;

/** Docker's, of which some name what there is none of here: they are valid, and no event has them. */
const tests: Readonly<Record<string, Test>> = {
  event: ({ action }, values) => values.some((value) => value === action || isBeginning(value, action)),
  type: ({ type }, values) => values.includes(type),
  scope: (_, values) => values.includes('local'),
  container: ofType('container'),
  network: ofType('network'),
  volume: ofType('volume'),
  plugin: ofType(null),
  node: ofType(null),
  service: ofType(null),
  secret: ofType(null),
  config: ofType(null),
  daemon: ofType(null),
  image: isOfImage,
  label: ({ attributes }, values) => values.every((value) => hasLabel(attributes, value)),
};

/** Docker's word for them, as in `--filter type=`. */
const knownTypes: ReadonlySet<string> = new Set([
  ...eventTypes,
  'builder',
  'config',
  'daemon',
  'node',
  'plugin',
  'secret',
  'service',
]);

/** @throws OnggiError `invalid` for a filter that there is not */
export function eventFilter(filters: readonly EventFilter[]): (event: EngineEvent) => boolean {
  const byKey = Map.groupBy(filters, ({ key }) => key);
  const chosen = [...byKey].map(([key, all]) => {
    const test = Object.hasOwn(tests, key) ? tests[key] : undefined;
    const values = all.map(({ value }) => value);
    if (test === undefined) {
      throw new OnggiError('invalid', `invalid filter '${key}'`, {
        hint: `There are: ${Object.keys(tests).sort().join(', ')}.`,
      });
    }
    const unknown = key === 'type' ? values.find((value) => !knownTypes.has(value)) : undefined;
    if (unknown !== undefined) throw new OnggiError('invalid', `invalid filter 'type=${unknown}'`);
    return { test, values };
  });
  return (event) => chosen.every(({ test, values }) => test(event, values));
}

/** These three go on behind a colon, and are asked for without it. */
function isBeginning(value: string, action: string): boolean {
  return ['exec_create', 'exec_start', 'health_status'].includes(value) && action.startsWith(value);
}

/** By id or name, or the beginning of one. */
function ofType(type: EventType | null): Test {
  return (event, values) => {
    if (event.type !== type) return false;
    const name = event.attributes['name'] ?? event.id;
    return values.some((value) => event.id.startsWith(value) || name.startsWith(value));
  };
}

/** What happens to an image, and to the containers that were made of it. A tag need not be named. */
function isOfImage(event: EngineEvent, values: readonly string[]): boolean {
  if (event.type !== 'image' && event.type !== 'container') return false;
  const name = event.attributes[event.type === 'image' ? 'name' : 'image'] ?? '';
  const known = event.type === 'image' ? [event.id, name] : [name];
  const all = new Set([...known, ...known.map(withoutTag)]);
  return values.some((value) => all.has(value));
}

function withoutTag(name: string): string {
  const slash = name.lastIndexOf('/');
  const colon = name.lastIndexOf(':');
  return colon > slash && !name.startsWith('sha256:') ? name.slice(0, colon) : name;
}

function hasLabel(attributes: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf('=');
  const name = equals < 0 ? wanted : wanted.slice(0, equals);
  if (!Object.hasOwn(attributes, name)) return false;
  return equals < 0 || attributes[name] === wanted.slice(equals + 1);
}

/** An event as a line of the event log, and back. Pure. The shim writes such lines, too (native/event.h). */
import { type EngineEvent, eventTypes } from '../types/event.ts';

/** Characters of the attributes beyond which the labels among them are left out: nobody must fill the log by one event. */
const longestAttributes = 64 << 10;

/** What of an event is known before it happens: the end of its line. */
export function eventTail({ id, attributes }: Pick<EngineEvent, 'id' | 'attributes'>): string {
  const text = JSON.stringify(attributes);
  const kept = text.length <= longestAttributes ? text : JSON.stringify(shortened(attributes));
  return `"id":${JSON.stringify(id)},"attributes":${kept}}\n`;
}

function shortened(attributes: EngineEvent['attributes']): EngineEvent['attributes'] {
  const entries = Object.entries(attributes).map(([name, value]) => [name, value] as const);
  const short = entries.filter(([name, value]) => name.length + value.length < 1024).slice(-32);
  return Object.fromEntries(short);
}

export function encodeEvent(event: EngineEvent): string {
  const action = JSON.stringify(event.action.length <= 4096 ? event.action : `${event.action.slice(0, 4096)}…`);
  return `{"time":"${event.time}","type":"${event.type}","action":${action},${eventTail(event)}`;
}

/** Undefined for what is no event. A torn line may stand before a whole one, which still counts. */
export function decodeEvent(line: string): EngineEvent | undefined {
  const event = parse(line);
  if (event !== undefined || line === '') return event;
  const start = line.lastIndexOf('{"time":"');
  return start > 0 ? parse(line.slice(start)) : undefined;
}

function parse(line: string): EngineEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { time, type, action, id, attributes, more } = value as Record<string, unknown>;
  if (typeof time !== 'string' || !/^\d{1,20}$/.test(time)) return undefined;
  const known = eventTypes.find((each) => each === type);
  if (known === undefined || typeof action !== 'string' || typeof id !== 'string') return undefined;
  return { time: BigInt(time), type: known, action, id, attributes: { ...texts(attributes), ...texts(more) } };
}

function texts(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

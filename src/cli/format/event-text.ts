/** An event as `events` shows it: Docker's line, its JSON, or a template. Pure. */
import type { EngineEvent } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import { escapeHtml, goJson } from '../template/print.ts';
import { compileTemplate } from '../template/template.ts';
import { visibleLine } from './visible.ts';

/** @throws OnggiError `invalid` on a template that can't be parsed, or that names what no event has */
export function compileEventFormat(format: string | undefined): (event: EngineEvent) => string {
  if (format === undefined || format === '') return eventLine;
  if (format === 'json') return eventJson;
  const records = new WeakMap<object, EngineEvent>();
  const template = compileTemplate(format, {
    missing(name, parent) {
      if (parent === 'Attributes') return undefined;
      throw new OnggiError('invalid', `template parsing error: can't evaluate field ${name} of event`, {
        hint: `There are: .${Object.keys(recordOf(example)).join(' .')}`,
      });
    },
    functions: {
      json(value) {
        const event = typeof value === 'object' && value !== null ? records.get(value) : undefined;
        return event === undefined ? goJson(value) : eventJson(event);
      },
    },
  });
  const print = (event: EngineEvent): string => {
    const record = recordOf(event);
    records.set(record, event);
    return template(record);
  };
  // Before anything has happened, as with Docker.
  print(example);
  return print;
}

const example: EngineEvent = { time: 0n, type: 'container', action: '', id: '', attributes: {} };

/** `2026-01-02T03:04:05.000000006Z container start ID (image=busybox, name=web)` */
function eventLine({ time, type, action, id, attributes }: EngineEvent): string {
  const known = Object.entries(attributes).map(([name, value]) => `${name}=${value}`);
  const details = known.length === 0 ? '' : ` (${known.sort().join(', ')})`;
  return visibleLine(`${localTime(time)} ${type} ${action} ${id}${details}`);
}

/** RFC 3339 with all nine digits, in the zone of this machine. */
function localTime(time: bigint): string {
  const milliseconds = Number(time / 1_000_000n);
  const offset = -new Date(milliseconds).getTimezoneOffset();
  const shifted = new Date(milliseconds + offset * 60_000).toISOString();
  const nanoseconds = String(time % 1_000_000_000n).padStart(9, '0');
  const two = (number: number) => `${Math.floor(number)}`.padStart(2, '0');
  const zone =
    offset === 0 ? 'Z' : `${offset < 0 ? '-' : '+'}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`;
  return `${shifted.slice(0, 19)}.${nanoseconds}${zone}`;
}

/** Names as in Docker's templates. */
function recordOf({ time, type, action, id, attributes }: EngineEvent): Readonly<Record<string, unknown>> {
  const named = type === 'container' || type === 'image';
  return {
    Status: named ? action : '',
    ID: named ? id : '',
    From: type === 'container' ? (attributes['image'] ?? '') : '',
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: sorted(attributes) },
    Scope: 'local',
    Time: seconds(time),
    TimeNano: time,
  };
}

/** As Go prints maps. */
function sorted(attributes: EngineEvent['attributes']): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function seconds(time: bigint): number {
  return Number(time / 1_000_000_000n);
}

/** Of the daemon's message, in its order; a number of nanoseconds is beyond what a JavaScript number can tell. */
function eventJson({ time, type, action, id, attributes }: EngineEvent): string {
  const from = type === 'container' ? attributes['image'] : undefined;
  const message = {
    ...((type === 'container' || type === 'image') && { status: action, id, ...(from !== undefined && { from }) }),
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: sorted(attributes) },
    scope: 'local',
    time: seconds(time),
  };
  return `${escapeHtml(goJson(message)).slice(0, -1)},"timeNano":${time}}`;
}

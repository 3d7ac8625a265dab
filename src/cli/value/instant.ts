/** Points in time as `--since` and `--until` take them. Pure. */
import { OnggiError } from '../../errors.ts';
import { parseDuration } from '../../oci/duration.ts';

/**
 * Milliseconds since the epoch of "10m" (that long before `now`), of RFC 3339 with or without parts of the time (the
 * local zone if none is named), or of Unix seconds with a fraction.
 * @param flag for the message
 * @throws OnggiError `invalid` with Docker's words
 */
export function parseInstant(text: string, now: number, flag: string): number {
  const duration = parseDuration(text);
  if (duration !== undefined && text !== '0') return now - duration;
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.trunc(Number(text) * 1000);
  const match = /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?)?(Z|[+-]\d\d:\d\d)?$/.exec(text);
  if (match !== null) {
    const [, date = '', hours = '00', minutes = '00', seconds = '00', zone = ''] = match;
    const instant = Date.parse(`${date}T${hours}:${minutes}:${seconds}${zone}`);
    if (!Number.isNaN(instant) && isDay(date)) return instant;
  }
  throw new OnggiError('invalid', `invalid value for "${flag}": failed to parse value as time or duration: "${text}"`);
}

/** JavaScript takes the 30th of February for the 1st of March. */
function isDay(date: string): boolean {
  return new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
}

/** As `parseInstant`; none of a flag that was not given, or given as "". */
export function optionalInstant(text: string | undefined, now: number, flag: string): number | undefined {
  return text === undefined || text === '' ? undefined : parseInstant(text, now, flag);
}

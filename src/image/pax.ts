/**
 * Records of pax extended headers (POSIX.1-2001, "pax Extended Header"): "LENGTH KEY=VALUE\n", LENGTH counting the
 * whole record in decimal. Values are bytes. Pure.
 */
import { OnggiError } from '../errors.ts';

export type PaxRecords = ReadonlyMap<string, Buffer>;

/**
 * Of several records with one key the last one counts, but for the map of a sparse file of version 0.0: its many offsets
 * and lengths become one record "GNU.sparse.map", as version 0.1 has it.
 * @throws OnggiError `corrupt` when the records don't fill `body` exactly
 */
export function parsePax(body: Buffer): PaxRecords {
  const records = new Map<string, Buffer>();
  const map: Buffer[] = [];
  let offset = 0;
  while (offset < body.length) {
    const blank = body.indexOf(0x20, offset);
    const digits = body.toString('latin1', offset, blank === -1 ? offset : blank);
    const end = offset + Number(digits);
    if (!/^[1-9]\d{0,9}$/.test(digits) || end > body.length || body[end - 1] !== 0x0a) {
      throw new OnggiError('corrupt', 'tar archive: pax record with a wrong length');
    }
    const equals = body.indexOf(0x3d, blank);
    if (equals === -1 || equals >= end || equals === blank + 1) {
      throw new OnggiError('corrupt', 'tar archive: pax record without a key');
    }
    const key = body.toString('utf8', blank + 1, equals);
    const value = body.subarray(equals + 1, end - 1);
    if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') map.push(value);
    else records.set(key, value);
    offset = end;
  }
  if (map.length > 0)
    records.set('GNU.sparse.map', Buffer.from(map.map((value) => value.toString('latin1')).join(',')));
  return records;
}

/** Decimal seconds with a fraction, may be negative: "1700000000.123456789". */
export function parseTime(text: string): { seconds: number; nanoseconds: number } {
  const match = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(text);
  if (match === null) throw new OnggiError('corrupt', `tar archive: time "${text.slice(0, 60)}"`);
  const [, sign, whole = '', fraction = ''] = match;
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, '0'));
  if (sign === '') return { seconds: Number(whole), nanoseconds };
  // The kernel's nanoseconds count forward from the second below.
  return nanoseconds === 0
    ? { seconds: 0 - Number(whole), nanoseconds: 0 }
    : { seconds: -Number(whole) - 1, nanoseconds: 1_000_000_000 - nanoseconds };
}

/** A non-negative decimal number. */
export function parseDecimal(key: string, value: Buffer): number {
  const text = value.toString('latin1');
  const number = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(number)) {
    throw new OnggiError('corrupt', `tar archive: pax ${key} "${text.slice(0, 60)}"`);
  }
  return number;
}

/**
 * The Journal Export Format (systemd.io/JOURNAL_EXPORT_FORMATS), as journalctl writes it: an entry is lines of NAME=value,
 * or NAME and a value with its length in front where that is no text, up to an empty line. Pure.
 */
import { OnggiError } from '../../errors.ts';
import type { LogEntry } from '../types.ts';

export type JournalEntry = ReadonlyMap<string, Buffer>;

/** Bytes of one entry: more than a journal takes (DATA_SIZE_MAX of journald, for one field). */
const longestEntry = 800 << 20;

const newline = 10;

/** Takes pieces as they come, and gives the entries that are complete. */
export function exportReader(): (piece: Uint8Array) => JournalEntry[] {
  let rest: Buffer = Buffer.alloc(0);
  let fields = new Map<string, Buffer>();
  return (piece) => {
    rest = rest.length === 0 ? Buffer.from(piece) : Buffer.concat([rest, piece]);
    if (rest.length > longestEntry) throw new OnggiError('corrupt', 'the journal: an entry that does not end');
    const entries: JournalEntry[] = [];
    for (let at = 0; ; ) {
      const field = fieldAt(rest, at);
      if (field === undefined) {
        rest = rest.subarray(at);
        return entries;
      }
      at = field.end;
      if (field.name !== '') {
        // Of a field that is there several times the first one counts.
        if (!fields.has(field.name)) fields.set(field.name, field.value);
      } else if (fields.size > 0) {
        entries.push(fields);
        fields = new Map();
      }
    }
  };
}

type Field = { readonly name: string; readonly value: Buffer; readonly end: number };

/** Undefined while it is not there in whole; an empty name is the end of an entry. */
function fieldAt(bytes: Buffer, start: number): Field | undefined {
  const line = bytes.indexOf(newline, start);
  if (line < 0) return undefined;
  const equals = bytes.subarray(start, line).indexOf('=');
  if (equals >= 0) {
    const name = bytes.toString('latin1', start, start + equals);
    return { name, value: Buffer.from(bytes.subarray(start + equals + 1, line)), end: line + 1 };
  }
  const name = bytes.toString('latin1', start, line);
  if (name === '') return { name, value: Buffer.alloc(0), end: line + 1 };
  if (bytes.length < line + 9) return undefined;
  const length = bytes.readBigUInt64LE(line + 1);
  if (length > longestEntry) throw new OnggiError('corrupt', `the journal: "${name}" of ${length} bytes`);
  const value = line + 9;
  const end = value + Number(length);
  if (bytes.length < end + 1) return undefined;
  return { name, value: Buffer.from(bytes.subarray(value, end)), end: end + 1 };
}

export type JournalLine = Omit<LogEntry, 'text'> & { readonly bytes: Buffer };

/** What the journal driver has written (native/log/log-messages.c); undefined for what it has not. */
export function journalLine(entry: JournalEntry): JournalLine | undefined {
  const message = entry.get('MESSAGE');
  if (message === undefined) return undefined;
  const partial = entry.get('CONTAINER_PARTIAL_MESSAGE')?.toString('latin1') === 'true';
  const attributes = Object.fromEntries(
    [...entry].filter(([name]) => !isOwn(name)).map(([name, value]) => [name, value.toString('utf8')]),
  );
  return {
    stream: entry.get('PRIORITY')?.toString('latin1') === '3' ? 'stderr' : 'stdout',
    time: entry.get('SYSLOG_TIMESTAMP')?.toString('latin1') ?? receivedAt(entry),
    bytes: partial ? message : Buffer.concat([message, Buffer.from('\n')]),
    ...(Object.keys(attributes).length > 0 && { attributes }),
  };
}

const ownFields: ReadonlySet<string> = new Set([
  ...['MESSAGE', 'PRIORITY', 'SYSLOG_TIMESTAMP', 'SYSLOG_IDENTIFIER', 'CONTAINER_PARTIAL_MESSAGE', 'IMAGE_NAME'],
  ...['CONTAINER_ID', 'CONTAINER_ID_FULL', 'CONTAINER_NAME', 'CONTAINER_TAG'],
]);

/** Not of those that the container's user has asked for; what begins with an underscore is the journal's. */
function isOwn(name: string): boolean {
  return name.startsWith('_') || ownFields.has(name);
}

function receivedAt(entry: JournalEntry): string {
  const microseconds = Number(entry.get('__REALTIME_TIMESTAMP')?.toString('latin1') ?? 0);
  return new Date(microseconds / 1000).toISOString();
}

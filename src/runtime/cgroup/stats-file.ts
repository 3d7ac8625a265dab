/** The formats of statistics files: single numbers, "KEY VALUE" lines, lists. Pure. */
import { parseList } from './cpuset.ts';
import type { Count, Pressure, PressureLine } from './stats.ts';

/** 2^64-1: what runc tells where v2 says "max". */
export const unlimited = 18446744073709551615n;

/** A number of a file; 0 for none, "max" is unlimited. */
export function countOf(text: string | undefined): Count {
  const word = text?.trim() ?? '';
  if (word === 'max') return unlimited;
  if (!/^-?\d+$/.test(word)) return 0;
  const value = Number(word);
  return Number.isSafeInteger(value) ? value : BigInt(word);
}

/** "KEY VALUE" a line. */
export function flatKeyed(text: string | undefined): Record<string, Count> {
  const lines = (text ?? '').split('\n').map((line) => line.trim().split(/\s+/));
  return Object.fromEntries(lines.flatMap(([key = '', value]) => (value === undefined ? [] : [[key, countOf(value)]])));
}

export function scaled(count: Count | undefined, factor: number): Count {
  const exact = BigInt(count ?? 0) * BigInt(factor);
  return exact <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(exact) : exact;
}

export function sum(a: Count, b: Count): Count {
  const exact = BigInt(a) + BigInt(b);
  return exact <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(exact) : exact;
}

/** The fields whose values are neither 0 nor empty, as Go's `omitempty` has it. */
export function present<T extends Readonly<Record<string, unknown>>>(fields: T): Partial<T> {
  const kept = Object.entries(fields).filter(
    ([, value]) => value !== undefined && value !== 0 && value !== '' && !(Array.isArray(value) && value.length === 0),
  );
  return Object.fromEntries(kept) as Partial<T>;
}

export function listOf(text: string | undefined): number[] {
  return parseList(text ?? '') ?? [];
}

/** Documentation/accounting/psi.rst; undefined where the kernel keeps none. */
export function pressureOf(text: string | undefined): Pressure | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const line = (kind: string): PressureLine => {
    const match = new RegExp(`^${kind} avg10=(\\S+) avg60=(\\S+) avg300=(\\S+) total=(\\d+)`, 'm').exec(text);
    const [, avg10 = 0, avg60 = 0, avg300 = 0, total = '0'] = match ?? [];
    return { avg10: Number(avg10), avg60: Number(avg60), avg300: Number(avg300), total: countOf(total) };
  };
  return { some: line('some'), full: line('full') };
}

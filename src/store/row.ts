/**
 * Reading typed values out of rows. The database is a border (DESIGN 6): what does not have the declared type is
 * `corrupt`, not a crash later. Pure.
 */
import { OnggiError } from '../errors.ts';
import type { Row } from './database.ts';

export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw bad(column, value);
  return value;
}

export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : text(row, column);
}

export function integer(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw bad(column, value);
  return value;
}

export function integerOrNull(row: Row, column: string): number | null {
  return row[column] === null ? null : integer(row, column);
}

/** A column whose values are one of a closed list of words. */
export function word<const W extends string>(row: Row, column: string, words: readonly W[]): W {
  const value = row[column];
  if (!(words as readonly unknown[]).includes(value)) throw bad(column, value);
  return value as W;
}

function bad(column: string, value: unknown): OnggiError {
  return new OnggiError('corrupt', `database column "${column}": unexpected value "${String(value).slice(0, 80)}"`);
}

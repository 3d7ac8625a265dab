/** Rows of `manifest_lists`: lists of images for several platforms that are being put together. */
import { all, type Database, run } from './database.ts';
import { text } from './row.ts';

export type ManifestListRow = {
  /** Canonical name of the list. */
  readonly reference: string;
  /** Canonical name of an image in it. */
  readonly source: string;
  /** JSON of its descriptor (engine/manifest-list.ts). */
  readonly entry: string;
};

/** In the order in which they came. */
export function manifestListEntries(database: Database, reference: string): ManifestListRow[] {
  const rows = all(database, 'SELECT * FROM manifest_lists WHERE reference = ? ORDER BY rowid', reference);
  return rows.map((row) => ({
    reference: text(row, 'reference'),
    source: text(row, 'source'),
    entry: text(row, 'entry'),
  }));
}

/** One that is there already is replaced, and keeps its place. */
export function putManifestListEntry(database: Database, { reference, source, entry }: ManifestListRow): void {
  run(
    database,
    `INSERT INTO manifest_lists (reference, source, entry) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET entry = excluded.entry`,
    reference,
    source,
    entry,
  );
}

/** @returns whether there was such a list */
export function deleteManifestList(database: Database, reference: string): boolean {
  return run(database, 'DELETE FROM manifest_lists WHERE reference = ?', reference) > 0;
}

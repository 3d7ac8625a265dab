/** What a store may hold once all its containers are removed: images and their layers, nothing else. Only reads. */
import { existsSync, readdirSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { layoutOf } from '../../src/store/layout.ts';

/** Rows and files that belong to nothing, one line each. A store that was never opened has none. */
export function storeLeaks(root: string): string[] {
  const layout = layoutOf(root);
  if (!existsSync(layout.database)) return [];
  const database = new DatabaseSync(layout.database, { readOnly: true });
  try {
    return [
      ...['containers', 'address_leases', 'port_leases'].flatMap((table) => rowsOf(database, table)),
      ...brokenReferences(database),
      ...unnamedLayers(database, layout.layers),
      ...[layout.containers, layout.sockets].flatMap((path) => entriesOf(path)),
      // Downloads that were cut off are kept for a day.
      ...entriesOf(layout.temporary).filter((entry) => !entry.includes('/partial-')),
    ];
  } finally {
    database.close();
  }
}

function rowsOf(database: DatabaseSync, table: string): string[] {
  return database
    .prepare(`SELECT * FROM ${table}`)
    .all()
    .map((row) => `row of ${table}: ${JSON.stringify(row).slice(0, 200)}`);
}

function brokenReferences(database: DatabaseSync): string[] {
  return database
    .prepare('PRAGMA foreign_key_check')
    .all()
    .map((row) => `broken reference: ${JSON.stringify(row)}`);
}

/** Layer directories without a row, and rows without their directory. */
function unnamedLayers(database: DatabaseSync, path: string): string[] {
  const named = new Set(
    database
      .prepare('SELECT directory FROM layers')
      .all()
      .map((row) => String(row['directory'])),
  );
  const there = new Set(existsSync(path) ? readdirSync(path) : []);
  return [
    ...[...there.difference(named)].map((name) => `layer directory without a row: ${name}`),
    ...[...named.difference(there)].map((name) => `layer row without its directory: ${name}`),
  ];
}

function entriesOf(path: string): string[] {
  return (existsSync(path) ? readdirSync(path) : []).map((name) => `file: ${path}/${name}`);
}

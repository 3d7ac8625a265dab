/** Rows of `container_requirements`: which containers another one requires. They go with that one. */
import { OnggiError } from '../errors.ts';
import { all, type Database, run } from './database.ts';
import { text } from './row.ts';

/** @throws OnggiError `not-found` when what is required was removed meanwhile */
export function addRequirement(database: Database, containerId: string, requiredId: string): void {
  const sql = `INSERT OR IGNORE INTO container_requirements (container_id, required_id)
    SELECT ?, id FROM containers WHERE id = ? AND state <> 'removing'`;
  if (run(database, sql, containerId, requiredId) > 0) return;
  if (requiredBy(database, requiredId).some(({ id }) => id === containerId)) return;
  throw new OnggiError('not-found', `No such container: ${requiredId}`);
}

export function isRequired(database: Database, id: string): boolean {
  return all(database, 'SELECT 1 FROM container_requirements WHERE required_id = ? LIMIT 1', id).length > 0;
}

export type Dependent = { readonly id: string; readonly name: string };

/** The containers that require this one; newest first. */
export function requiredBy(database: Database, requiredId: string): Dependent[] {
  const sql = `SELECT id, name FROM containers
    WHERE id IN (SELECT container_id FROM container_requirements WHERE required_id = ?) ORDER BY created DESC, id`;
  return all(database, sql, requiredId).map((row) => ({ id: text(row, 'id'), name: text(row, 'name') }));
}

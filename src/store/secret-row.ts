/** Rows of `secrets`: everything about a secret but the secret. */
import { OnggiError } from '../errors.ts';
import { all, type Database, get, type Row, run, violated } from './database.ts';
import { integer, text } from './row.ts';

export type SecretRow = {
  /** 25 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly updated: number;
  /** JSON of a record of texts; opaque here, as the next. */
  readonly labels: string;
  readonly driverOptions: string;
};

/** @throws OnggiError `exists` when the name is taken */
export function insertSecret(database: Database, secret: SecretRow): void {
  try {
    run(
      database,
      'INSERT INTO secrets (id, name, created, updated, labels, driver_options) VALUES (?, ?, ?, ?, ?, ?)',
      secret.id,
      secret.name,
      secret.created,
      secret.updated,
      secret.labels,
      secret.driverOptions,
    );
  } catch (error) {
    if (violated(error) !== 'unique') throw error;
    throw new OnggiError('exists', `${secret.name}: secret name in use`, { cause: error });
  }
}

/** By name. */
export function listSecrets(database: Database): SecretRow[] {
  return all(database, 'SELECT * FROM secrets ORDER BY name').map(secretOf);
}

/** By its name, its id or the beginning of an id that no other has. @throws OnggiError `not-found`, `invalid` */
export function findSecret(database: Database, ref: string): SecretRow {
  const exact = get(database, 'SELECT * FROM secrets WHERE name = ?1 OR id = ?1', ref);
  if (exact !== undefined) return secretOf(exact);
  const pattern = /^[0-9a-f]+$/.test(ref) ? `${ref}*` : '';
  const [found, other] = all(database, 'SELECT * FROM secrets WHERE id GLOB ? LIMIT 2', pattern);
  if (found === undefined) throw new OnggiError('not-found', `no secret with name or id "${ref}": no such secret`);
  if (other !== undefined) throw new OnggiError('invalid', `secret "${ref}": more than one has an id that begins so`);
  return secretOf(found);
}

/** @returns whether it was there */
export function deleteSecret(database: Database, id: string): boolean {
  return run(database, 'DELETE FROM secrets WHERE id = ?', id) > 0;
}

function secretOf(row: Row): SecretRow {
  return {
    id: text(row, 'id'),
    name: text(row, 'name'),
    created: integer(row, 'created'),
    updated: integer(row, 'updated'),
    labels: text(row, 'labels'),
    driverOptions: text(row, 'driver_options'),
  };
}

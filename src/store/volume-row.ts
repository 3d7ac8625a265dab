/** Rows of `volumes` and `container_volumes`. */
import { OnggiError } from '../errors.ts';
import { all, type Database, get, type Row, run, violated } from './database.ts';
import { integer, text } from './row.ts';

export type VolumeRow = {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  /** Made for a container, without a name of somebody's choice. */
  readonly anonymous: boolean;
  /** JSON of a record of texts; opaque here. */
  readonly labels: string;
  /** JSON of the driver's options, a record of texts; opaque here. */
  readonly options: string;
};

/** One that is there stays as it is. @returns the row as it is then, and whether it was made now */
export function ensureVolume(
  database: Database,
  volume: VolumeRow,
): { readonly row: VolumeRow; readonly made: boolean } {
  const made = run(
    database,
    'INSERT INTO volumes (name, created, anonymous, labels, options) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    volume.name,
    volume.created,
    volume.anonymous ? 1 : 0,
    volume.labels,
    volume.options,
  );
  return { row: volumeByName(database, volume.name) ?? volume, made: made > 0 };
}

export function volumeByName(database: Database, name: string): VolumeRow | undefined {
  const row = get(database, 'SELECT * FROM volumes WHERE name = ?', name);
  return row === undefined ? undefined : volumeOf(row);
}

/** By name. */
export function listVolumes(database: Database): VolumeRow[] {
  return all(database, 'SELECT * FROM volumes ORDER BY name').map(volumeOf);
}

/** Notes that a container has a volume, which is kept until the container is gone. */
export function addContainerVolume(database: Database, containerId: string, volume: string): void {
  run(
    database,
    'INSERT INTO container_volumes (container_id, volume) VALUES (?, ?) ON CONFLICT DO NOTHING',
    containerId,
    volume,
  );
}

/** Ids of the containers that have a volume. */
export function containersOfVolume(database: Database, name: string): string[] {
  const rows = all(database, 'SELECT container_id FROM container_volumes WHERE volume = ? ORDER BY container_id', name);
  return rows.map((row) => text(row, 'container_id'));
}

/** Names of the volumes that some container has. */
export function usedVolumes(database: Database): Set<string> {
  return new Set(all(database, 'SELECT DISTINCT volume FROM container_volumes').map((row) => text(row, 'volume')));
}

/** Anonymous volumes that this container has and no other one. */
export function ownVolumes(database: Database, containerId: string): string[] {
  const rows = all(
    database,
    `SELECT volume FROM container_volumes JOIN volumes ON name = volume
     WHERE container_id = ? AND anonymous = 1
       AND NOT EXISTS (SELECT 1 FROM container_volumes AS other
                       WHERE other.volume = container_volumes.volume AND other.container_id <> ?)`,
    containerId,
    containerId,
  );
  return rows.map((row) => text(row, 'volume'));
}

/**
 * Removes the row, after which the directory is garbage.
 * @returns whether it was there
 * @throws OnggiError `conflict` when a container has it
 */
export function deleteVolume(database: Database, name: string): boolean {
  try {
    return run(database, 'DELETE FROM volumes WHERE name = ?', name) > 0;
  } catch (error) {
    if (violated(error) !== 'foreign-key') throw error;
    const users = containersOfVolume(database, name).map((id) => id.slice(0, 12));
    throw new OnggiError('conflict', `remove ${name}: volume is in use - [${users.join(', ')}]`, {
      cause: error,
      hint: 'Remove these containers first.',
    });
  }
}

function volumeOf(row: Row): VolumeRow {
  return {
    name: text(row, 'name'),
    created: integer(row, 'created'),
    anonymous: integer(row, 'anonymous') !== 0,
    labels: text(row, 'labels'),
    options: text(row, 'options'),
  };
}

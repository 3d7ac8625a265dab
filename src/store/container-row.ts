/** Rows of `containers`. Plain records; no caller sees SQL. */
import { OnggiError } from '../errors.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import { all, type Database, get, type Row, run, snapshot, type Value, violated } from './database.ts';
import { integer, integerOrNull, text, textOrNull, word } from './row.ts';

export const containerStates = ['creating', 'created', 'starting', 'running', 'exited', 'removing'] as const;
export type ContainerState = (typeof containerStates)[number];

/**
 * A container that `init` has made and nobody has let go yet: its start has come to an end half-way, and its process is
 * noted. While a start goes on there is none noted.
 */
export function isInitialized({ state, pid }: Pick<ContainerRow, 'state' | 'pid'>): boolean {
  return state === 'starting' && pid !== null;
}

/** Whether its first process is there, as far as the row knows. */
export function hasProcess(row: Pick<ContainerRow, 'state' | 'pid'>): boolean {
  return row.state === 'running' || isInitialized(row);
}

export type ContainerRow = {
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  /** The image as the user wrote it. */
  readonly imageReference: string;
  /** Null for the image `host`. */
  readonly imageId: Digest | null;
  readonly state: ContainerState;
  /** JSON of the ContainerOptions; opaque here. */
  readonly options: string;
  /** Milliseconds since the epoch, as the two below. */
  readonly created: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly pid: number | null;
  /** Field 22 of /proc/PID/stat: tells a reused pid apart. */
  readonly pidStartTime: bigint | null;
  /** JSON of the Ending; opaque here. */
  readonly ending: string | null;
  readonly networkMode: string;
  readonly networkName: string | null;
  readonly autoRemove: boolean;
  /** JSON of the cgroup placement; opaque here. */
  readonly cgroup: string | null;
  /** Times that it was started again by its policy since somebody started it. */
  readonly restartCount: number;
  /** Milliseconds between its last end and its last start by its policy. */
  readonly restartWait: number;
  /** When it is to be started again, or was while it is being started; milliseconds since the epoch. */
  readonly restartAt: number | null;
  /** Somebody has stopped it: it is not to be started again. */
  readonly stopped: boolean;
  /** Its processes are frozen, or are about to be; only while it runs. */
  readonly paused: boolean;
  /**
   * For lists (engine/listing/listed.ts): the beginning of its command line; null where a list shows what the row does
   * not tell. And its ports, of its present or last start.
   */
  readonly listedCommand: string | null;
  readonly listedPorts: string;
};

/** What a list shows of one. */
export type ListedContainer = Omit<Listed, 'paused'> & { readonly paused: boolean | 0 | 1 };
type Listed = Pick<
  ContainerRow,
  | 'id'
  | 'name'
  | 'imageReference'
  | 'imageId'
  | 'state'
  | 'options'
  | 'created'
  | 'startedAt'
  | 'finishedAt'
  | 'pid'
  | 'ending'
  | 'networkMode'
  | 'restartAt'
  | 'paused'
>;

/** What a new one begins with. */
export const noRestart = { restartCount: 0, restartWait: 0, restartAt: null, stopped: false, paused: false } as const;

/** What changes in the life of a container; id and creation time never do. */
export type ContainerChange = Partial<
  Pick<
    ContainerRow,
    | 'name'
    | 'options'
    | 'state'
    | 'startedAt'
    | 'finishedAt'
    | 'pid'
    | 'pidStartTime'
    | 'ending'
    | 'networkName'
    | 'autoRemove'
    | 'cgroup'
    | 'restartCount'
    | 'restartWait'
    | 'restartAt'
    | 'stopped'
    | 'paused'
    | 'listedPorts'
  >
>;

/** Begins without restarts. @throws OnggiError `exists` when the name is taken; `conflict` when the image was removed meanwhile */
export function insertContainer(database: Database, row: ContainerRow): void {
  try {
    run(
      database,
      `INSERT INTO containers (id, name, image_reference, image_id, state, options, created, started_at, finished_at,
         pid, pid_start_time, ending, network_mode, network_name, auto_remove, cgroup, listed_command)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      row.id,
      row.name,
      row.imageReference,
      row.imageId,
      row.state,
      row.options,
      row.created,
      row.startedAt,
      row.finishedAt,
      row.pid,
      row.pidStartTime,
      row.ending,
      row.networkMode,
      row.networkName,
      row.autoRemove ? 1 : 0,
      row.cgroup,
      row.listedCommand,
    );
  } catch (error) {
    throw refused(error, database, row.name);
  }
}

/** Looks up by full id. */
export function containerById(database: Database, id: string): ContainerRow | undefined {
  const row = get(database, 'SELECT * FROM containers WHERE id = ?', id);
  return row === undefined ? undefined : containerOf(row);
}

export function containerByName(database: Database, name: string): ContainerRow | undefined {
  const row = get(database, 'SELECT * FROM containers WHERE name = ?', name);
  return row === undefined ? undefined : containerOf(row);
}

/**
 * A container by full id, name or unique beginning of its id, in this order, as Docker resolves it.
 * @throws OnggiError `invalid` of an empty one; `not-found`; `conflict` when several ids begin so (they are listed)
 */
export function findContainer(database: Database, wanted: string): ContainerRow {
  if (wanted === '') throw new OnggiError('invalid', 'invalid container name or ID: value is empty');
  const exact = containerById(database, wanted) ?? containerByName(database, wanted.replace(/^\//, ''));
  if (exact !== undefined) return exact;
  const rows = /^[0-9a-f]{1,63}$/.test(wanted) ? byPrefix(database, wanted) : [];
  const [only] = rows;
  if (only === undefined) throw new OnggiError('not-found', `No such container: ${wanted}`);
  if (rows.length > 1) {
    const ids = rows.map((row) => text(row, 'id').slice(0, 12)).join(', ');
    throw new OnggiError('conflict', `container "${wanted}": several ids begin so: ${ids}`, {
      hint: 'Write more of the id.',
    });
  }
  return containerOf(only);
}

/** At most five rows: enough to tell that a prefix is ambiguous and to list examples. */
function byPrefix(database: Database, prefix: string): Row[] {
  // "g" follows every hexadecimal digit, so this is one range of the primary key's index.
  return all(database, 'SELECT * FROM containers WHERE id >= ? AND id < ? ORDER BY id LIMIT 5', prefix, `${prefix}g`);
}

/** All containers, or those in the given states; newest first. */
export function listContainers(database: Database, states?: readonly ContainerState[]): ContainerRow[] {
  const rows =
    states === undefined
      ? all(database, 'SELECT * FROM containers ORDER BY created DESC, id')
      : all(database, `SELECT * FROM containers WHERE state IN (${states.map(() => '?').join()})`, ...states);
  const containers = rows.map(containerOf);
  return states === undefined ? containers : containers.sort((a, b) => b.created - a.created);
}

const listedColumns = `id, name, image_reference AS imageReference, image_id AS imageId, state, options, created,
  started_at AS startedAt, finished_at AS finishedAt, pid, ending, network_mode AS networkMode, restart_at AS restartAt,
  paused`;

/** Of hundreds of rows: what their types are SQLite has seen to (STRICT). */
function listed(rows: readonly Row[]): ListedContainer[] {
  for (const row of rows) word(row, 'state', containerStates);
  return rows as unknown as ListedContainer[];
}

/** All, as a list shows them; newest first. */
export function listAllContainers(database: Database): ListedContainer[] {
  return listed(all(database, `SELECT ${listedColumns} FROM containers ORDER BY created DESC, id`));
}

/** Those that run, paused ones too, or are restarting; newest first. Each half has an index of its own. */
export function listUpContainers(database: Database): ListedContainer[] {
  const select = `SELECT ${listedColumns} FROM containers`;
  const [up, wait] = snapshot(database, () => [
    all(database, `${select} WHERE state = 'running' ORDER BY created DESC, id`),
    all(database, `${select} WHERE restart_at IS NOT NULL AND state <> 'running'`),
  ]);
  return wait.length === 0 ? listed(up) : listed([...up, ...wait]).sort(newestFirst);
}

function newestFirst(a: ListedContainer, b: ListedContainer): number {
  return b.created - a.created || (a.id < b.id ? -1 : 1);
}

/** Those that run, as lines "ID PID START" in no order: what tells whether they still do. */
export function runningProcesses(database: Database): string {
  const lines = "group_concat(id || ' ' || coalesce(pid, 0) || ' ' || coalesce(pid_start_time, 0), char(10))";
  const row = get(
    database,
    `SELECT ${lines} AS lines FROM containers INDEXED BY containers_running WHERE state = 'running'`,
  );
  return row === undefined ? '' : (textOrNull(row, 'lines') ?? '');
}

/** Containers of an image, or with it at one of their paths; newest first. */
export function containersOfImage(database: Database, image: Digest): ContainerRow[] {
  return all(
    database,
    `SELECT * FROM containers WHERE image_id = ?
       OR id IN (SELECT container_id FROM container_images WHERE image_id = ?) ORDER BY created DESC`,
    image,
    image,
  ).map(containerOf);
}

/**
 * Ids of those whose restart has been due for `late` milliseconds, or is further off than the wait that was chosen: the
 * clock was set back since.
 */
export function dueRestarts(database: Database, now: number, late: number): string[] {
  const rows = all(
    database,
    `SELECT id FROM containers WHERE restart_at IS NOT NULL AND state = 'exited'
       AND restart_at NOT BETWEEN ? + 1 AND ? + restart_wait`,
    now - late,
    now + late,
  );
  return rows.map((row) => text(row, 'id'));
}

/** Number of containers by image id, the image `host` left out. */
export function countContainersByImage(database: Database): Map<string, number> {
  const rows = all(
    database,
    'SELECT image_id, count(*) AS containers FROM containers WHERE image_id IS NOT NULL GROUP BY image_id',
  );
  return new Map(rows.map((row) => [text(row, 'image_id'), integer(row, 'containers')]));
}

const columns = {
  name: 'name',
  options: 'options',
  state: 'state',
  startedAt: 'started_at',
  finishedAt: 'finished_at',
  pid: 'pid',
  pidStartTime: 'pid_start_time',
  ending: 'ending',
  networkName: 'network_name',
  autoRemove: 'auto_remove',
  cgroup: 'cgroup',
  restartCount: 'restart_count',
  restartWait: 'restart_wait',
  restartAt: 'restart_at',
  stopped: 'stopped',
  paused: 'paused',
  listedPorts: 'listed_ports',
} as const satisfies Record<keyof ContainerChange, string>;

/**
 * Compare and set: changes the row in one statement if its state is one of `expected`, else nothing.
 * @returns the row as it is now
 * @throws OnggiError `not-found`; `conflict` when the state is another one; `exists` when a new name is taken
 */
export function updateContainer(
  database: Database,
  id: string,
  expected: readonly ContainerState[],
  change: ContainerChange,
): ContainerRow {
  const sets: string[] = [];
  const values: Value[] = [];
  for (const [field, column] of Object.entries(columns)) {
    const value = change[field as keyof ContainerChange];
    if (value === undefined) continue;
    sets.push(`${column} = ?`);
    values.push(typeof value === 'boolean' ? Number(value) : value);
  }
  const marks = expected.map(() => '?').join(', ');
  const sql = `UPDATE containers SET ${sets.join(', ')} WHERE id = ? AND state IN (${marks}) RETURNING *`;
  let row: Row | undefined;
  try {
    row = get(database, sql, ...values, id, ...expected);
  } catch (error) {
    throw refused(error, database, change.name ?? id);
  }
  if (row !== undefined) return containerOf(row);
  const found = containerById(database, id);
  if (found === undefined) throw new OnggiError('not-found', `No such container: ${id}`);
  throw new OnggiError('conflict', `container "${found.name}" is ${found.state}, not ${expected.join(' or ')}`);
}

/** Removes the row and, by cascade, its leases. False when there was none. */
export function deleteContainer(database: Database, id: string): boolean {
  return run(database, 'DELETE FROM containers WHERE id = ?', id) > 0;
}

function refused(error: unknown, database: Database, name: string): unknown {
  const kind = violated(error);
  if (kind === 'unique') {
    const owner = containerByName(database, name);
    const by = owner === undefined ? '' : ` by container "${owner.id}"`;
    return new OnggiError('exists', `Conflict. The container name "/${name}" is already in use${by}.`, {
      cause: error,
      hint: 'Remove or rename that container, or use another name.',
    });
  }
  if (kind === 'foreign-key') {
    return new OnggiError('conflict', `container "${name}": its image or network was removed meanwhile`, {
      cause: error,
    });
  }
  return error;
}

function containerOf(row: Row): ContainerRow {
  const imageId = textOrNull(row, 'image_id');
  const startTime = integerOrNull(row, 'pid_start_time');
  return {
    id: text(row, 'id'),
    name: text(row, 'name'),
    imageReference: text(row, 'image_reference'),
    imageId: imageId !== null && isDigest(imageId) ? imageId : null,
    state: word(row, 'state', containerStates),
    options: text(row, 'options'),
    created: integer(row, 'created'),
    startedAt: integerOrNull(row, 'started_at'),
    finishedAt: integerOrNull(row, 'finished_at'),
    pid: integerOrNull(row, 'pid'),
    pidStartTime: startTime === null ? null : BigInt(startTime),
    ending: textOrNull(row, 'ending'),
    networkMode: text(row, 'network_mode'),
    restartAt: integerOrNull(row, 'restart_at'),
    paused: integer(row, 'paused') !== 0,
    networkName: textOrNull(row, 'network_name'),
    autoRemove: integer(row, 'auto_remove') !== 0,
    cgroup: textOrNull(row, 'cgroup'),
    restartCount: integer(row, 'restart_count'),
    restartWait: integer(row, 'restart_wait'),
    stopped: integer(row, 'stopped') !== 0,
    listedCommand: textOrNull(row, 'listed_command'),
    listedPorts: text(row, 'listed_ports'),
  };
}

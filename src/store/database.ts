/**
 * The one place that opens SQLite (STYLE G3). Statements are prepared once per connection, on first use.
 *
 * WAL with synchronous=NORMAL: a commit does not wait for the disk, a power cut may take back the last commits but
 * never leaves half of one. That suffices, because rows name things that were made durable before (publish.ts).
 */
import { closeSync, existsSync, fsyncSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { type Code, errnoOf, fromSystemError, OnggiError } from '../errors.ts';

export type Row = Readonly<Record<string, SQLOutputValue>>;
export type Value = SQLInputValue;

export type Database = {
  readonly path: string;
  readonly readOnly: boolean;
  readonly connection: DatabaseSync;
  readonly statements: Map<string, StatementSync>;
};

/**
 * Pages of the write-ahead log after which a commit moves them into the database, with two fsyncs. A command ends without
 * closing the database, so the next one reads the log through: 64 pages take 0.1 ms.
 */
const longestLog = 64;

/** How long a writer waits for another process's transaction; none of ours holds one over a millisecond. */
const busyMilliseconds = 10_000;

/**
 * Opens or makes a database. Opening an existing one takes a third of a millisecond: no fsync, no migration.
 * The caller closes it with `closeDatabase`; a process that just ends loses nothing.
 * @throws OnggiError `not-found` (read-only and missing), `corrupt` (not a database), `denied`
 */
export function openDatabase(path: string, options: { readonly readOnly?: boolean } = {}): Database {
  const readOnly = options.readOnly ?? false;
  return translated(`open database "${path}"`, () => {
    // SQLite would take the umask; metadata holds environment variables of containers, so it is private.
    if (path !== ':memory:') closeSync(openSync(path, readOnly ? 'r' : 'a', 0o600));
    const connection = new DatabaseSync(path, {
      timeout: busyMilliseconds,
      readOnly,
      enableForeignKeyConstraints: true,
    });
    if (!readOnly) connection.exec(`PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = ${longestLog}`);
    if (!readOnly && path !== ':memory:') keepReserve(path);
    return { path, readOnly, connection, statements: new Map() };
  });
}

/** A second call does nothing. */
export function closeDatabase(database: Database): void {
  database.statements.clear();
  if (database.connection.isOpen) database.connection.close();
}

export function all(database: Database, sql: string, ...values: Value[]): Row[] {
  return translated(`read "${database.path}"`, () => prepared(database, sql).all(...values));
}

export function get(database: Database, sql: string, ...values: Value[]): Row | undefined {
  return translated(`read "${database.path}"`, () => prepared(database, sql).get(...values));
}

/** @returns the number of rows changed */
export function run(database: Database, sql: string, ...values: Value[]): number {
  const write = () =>
    translated(`write "${database.path}"`, () => Number(prepared(database, sql).run(...values).changes));
  // Within a transaction the whole of it is tried again.
  return database.connection.isTransaction ? write() : withReserve(database, write);
}

/** Statements without values, for migrations and pragmas. */
export function execute(database: Database, sql: string): void {
  translated(`write "${database.path}"`, () => database.connection.exec(sql));
}

type NotAPromise<T> = T extends PromiseLike<unknown> ? never : T;

/**
 * Runs `work` in one transaction that has the write lock from its beginning (BEGIN IMMEDIATE), so what it reads stays
 * true until it commits. Rolls back when `work` throws. `work` must not wait: an async one is refused, at compile
 * time and again here, because other work of this process would slip into the transaction.
 * On a full disk `work` is called again, after a piece of the reserve was freed.
 * @throws OnggiError `unavailable` when another process held the lock too long, `exhausted`
 */
export function transaction<T>(database: Database, work: () => NotAPromise<T>): T {
  if (database.connection.isTransaction) throw new OnggiError('internal', 'transaction inside a transaction');
  return withReserve(database, () => attempt(database, work));
}

/** Several reads of the same state, whatever others write meanwhile. Not inside a transaction, where they are that anyway. */
export function snapshot<T>(database: Database, read: () => NotAPromise<T>): T {
  execute(database, 'BEGIN');
  try {
    return read();
  } finally {
    execute(database, 'COMMIT');
  }
}

function attempt<T>(database: Database, work: () => NotAPromise<T>): T {
  execute(database, 'BEGIN IMMEDIATE');
  try {
    const result: unknown = work();
    if (result instanceof Promise) throw new OnggiError('internal', 'transaction with an async callback');
    execute(database, 'COMMIT');
    return result as T;
  } catch (error) {
    // SQLite has rolled back by itself after a full disk or an I/O error.
    if (database.connection.isTransaction) database.connection.exec('ROLLBACK');
    throw error;
  }
}

/** Bytes of a piece of the reserve: room for several commits, and for the files of what they are about. */
const pieceSize = 64 << 10;

/** Pieces of the reserve. Whoever fills the disk may take what the first one frees before it is used. */
const pieces = [1, 2, 3, 4];

/** The last piece is the first to go, so where it is they all are. */
function piecePath(path: string, piece: number): string {
  return `${path}-reserve-${piece}`;
}

/**
 * Keeps room on the disk: without it a full one could not be told that a container has ended, nor that one is to be
 * removed, which is how room is made. Made anew by the next command that finds room.
 */
function keepReserve(path: string): void {
  if (existsSync(piecePath(path, pieces.length))) return;
  for (const piece of pieces) {
    const name = piecePath(path, piece);
    try {
      if (!existsSync(name)) writeFileSync(name, Buffer.alloc(pieceSize), { mode: 0o600, flag: 'wx' });
    } catch {
      // No room to keep, or somebody else does. What is half there helps, too.
      return;
    }
  }
}

/** Tries again for each piece of the reserve, while there is no room: for its bytes, or for the inodes of its files. */
export function withReserve<T>(database: Pick<Database, 'path'>, write: () => T): T {
  for (const piece of pieces.toReversed()) {
    try {
      return write();
    } catch (error) {
      if (!(error instanceof OnggiError) || error.code !== 'exhausted') throw error;
      rmSync(piecePath(database.path, piece), { force: true });
    }
  }
  return write();
}

/**
 * Waits until all commits so far survive a power cut. Needed before the removal of what a deleted row named: else the
 * row could come back without its thing. Holds no lock, unlike synchronous=FULL.
 */
export function syncDatabase(database: Database): void {
  try {
    // Commits that are no longer in the log were synced when they were moved into the database.
    const fd = openSync(`${database.path}-wal`, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw fromSystemError(error, `sync database "${database.path}"`);
  }
}

/** Which kind of constraint refused a write, told by the extended result code. */
export function violated(error: unknown): 'unique' | 'foreign-key' | undefined {
  const cause = error instanceof OnggiError ? error.cause : error;
  const code = cause instanceof Error ? Reflect.get(cause, 'errcode') : undefined;
  if (code === 2067 || code === 1555) return 'unique';
  return code === 787 ? 'foreign-key' : undefined;
}

function prepared(database: Database, sql: string): StatementSync {
  const known = database.statements.get(sql);
  if (known !== undefined) return known;
  const statement = database.connection.prepare(sql);
  database.statements.set(sql, statement);
  return statement;
}

/** Primary result codes (https://www.sqlite.org/rescode.html); the rest are defects of ours. */
const resultCodes: Readonly<Record<number, Code>> = {
  5: 'unavailable',
  6: 'unavailable',
  8: 'denied',
  10: 'unavailable',
  11: 'corrupt',
  13: 'exhausted',
  14: 'denied',
  19: 'conflict',
  26: 'corrupt',
};

function translated<T>(tried: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const result: unknown = error instanceof Error ? Reflect.get(error, 'errcode') : undefined;
    if (typeof result !== 'number') {
      if (errnoOf(error) !== undefined && !(error instanceof OnggiError)) throw fromSystemError(error, tried);
      throw error;
    }
    const code = resultCodes[result & 0xff] ?? 'internal';
    const found = error instanceof Error ? error.message : String(error);
    const hint = code === 'exhausted' ? { hint: 'Free some space (onggi rmi, onggi rm) and try again.' } : {};
    throw new OnggiError(code, `${tried}: ${found}`, { cause: error, ...hint });
  }
}

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { all, closeDatabase, execute, get, openDatabase, run, transaction, violated } from './database.ts';

function memory() {
  const database = openDatabase(':memory:');
  execute(database, 'CREATE TABLE t (a TEXT PRIMARY KEY, b INTEGER) STRICT');
  return database;
}

test('statements take values and return rows', () => {
  const database = memory();
  assert.equal(run(database, 'INSERT INTO t VALUES (?, ?)', 'x', 1), 1);
  assert.equal(get(database, 'SELECT b FROM t WHERE a = ?', 'x')?.['b'], 1);
  assert.equal(get(database, 'SELECT b FROM t WHERE a = ?', 'y'), undefined);
  assert.equal(all(database, 'SELECT * FROM t').length, 1);
  assert.equal(database.statements.size, 3);
});

test('a transaction rolls back when its work throws', () => {
  const database = memory();
  assert.throws(() =>
    transaction(database, () => {
      run(database, 'INSERT INTO t VALUES (?, ?)', 'x', 1);
      throw new Error('no');
    }),
  );
  assert.equal(all(database, 'SELECT * FROM t').length, 0);
  assert.equal(
    transaction(database, () => run(database, 'INSERT INTO t VALUES (?, ?)', 'x', 1)),
    1,
  );
});

test('a transaction refuses asynchronous work and nesting', () => {
  const database = memory();
  const work = (async () => run(database, 'INSERT INTO t VALUES (?, ?)', 'x', 1)) as unknown as () => number;
  assert.throws(() => transaction(database, work), { code: 'internal' });
  assert.equal(all(database, 'SELECT * FROM t').length, 0);
  assert.throws(() => transaction(database, () => transaction(database, () => 1)), { code: 'internal' });
});

test('constraints are told apart by code', () => {
  const database = memory();
  execute(database, 'CREATE TABLE u (a TEXT REFERENCES t (a)) STRICT');
  run(database, 'INSERT INTO t VALUES (?, ?)', 'x', 1);
  const failure = (work: () => unknown): unknown => {
    try {
      return work();
    } catch (error) {
      return error;
    }
  };
  assert.equal(violated(failure(() => run(database, 'INSERT INTO t VALUES (?, ?)', 'x', 1))), 'unique');
  assert.equal(violated(failure(() => run(database, 'INSERT INTO u VALUES (?)', 'y'))), 'foreign-key');
  assert.equal(violated(new Error('x')), undefined);
});

test('files: private mode, missing and foreign ones are refused', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'onggi-database-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'a.db');
  assert.throws(() => openDatabase(path, { readOnly: true }), { code: 'not-found' });
  const database = openDatabase(path);
  execute(database, 'CREATE TABLE t (a TEXT) STRICT');
  closeDatabase(database);
  closeDatabase(database);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const reader = openDatabase(path, { readOnly: true });
  assert.throws(() => run(reader, 'INSERT INTO t VALUES (?)', 'x'), { code: 'denied' });
  closeDatabase(reader);
  writeFileSync(join(directory, 'b.db'), 'no database at all, but long enough to look like one'.repeat(100));
  assert.throws(() => all(openDatabase(join(directory, 'b.db')), 'SELECT * FROM t'), { code: 'corrupt' });
});

test('a writer waits for another connection, it does not fail', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'onggi-database-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'a.db');
  const one = openDatabase(path);
  execute(one, 'PRAGMA journal_mode = WAL');
  execute(one, 'CREATE TABLE t (a TEXT) STRICT');
  const two = openDatabase(path);
  execute(two, 'PRAGMA busy_timeout = 50');
  transaction(one, () => {
    run(one, 'INSERT INTO t VALUES (?)', 'x');
    assert.equal(all(two, 'SELECT * FROM t').length, 0, 'readers are not blocked');
    const before = performance.now();
    assert.throws(() => run(two, 'INSERT INTO t VALUES (?)', 'y'), { code: 'unavailable' });
    assert.ok(performance.now() - before > 40);
  });
  run(two, 'INSERT INTO t VALUES (?)', 'y');
  assert.equal(all(one, 'SELECT * FROM t').length, 2);
  closeDatabase(one);
  closeDatabase(two);
});

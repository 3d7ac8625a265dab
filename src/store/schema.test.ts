import assert from 'node:assert/strict';
import test from 'node:test';
import { all, closeDatabase, execute, get, openDatabase } from './database.ts';
import { currentVersion, migrate, migrations, versionOf } from './schema.ts';

/** What must be true after each migration, given data of the version before; a migration without a case fails. */
const cases: Record<number, (database: ReturnType<typeof openDatabase>) => void> = {
  1: (database) => {
    const tables = all(database, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
    assert.deepEqual(
      tables.map((row) => row['name']),
      ['address_leases', 'containers', 'image_layers', 'image_names', 'images', 'layers', 'networks', 'port_leases'],
    );
  },
  2: (database) => {
    const tables = all(database, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'registry%'");
    assert.deepEqual(tables.map((row) => String(row['name'])).sort(), [
      'registry_blobs',
      'registry_manifests',
      'registry_references',
      'registry_tags',
    ]);
  },
  3: (database) => {
    const tables = all(database, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE '%volumes'");
    assert.deepEqual(tables.map((row) => String(row['name'])).sort(), ['container_volumes', 'volumes']);
  },
  4: (database) => {
    const columns = all(database, "SELECT name FROM pragma_table_info('containers')").map((row) => row['name']);
    assert.deepEqual(columns.slice(-4), ['restart_count', 'restart_wait', 'restart_at', 'stopped']);
  },
  5: (database) => {
    assert.deepEqual(all(database, 'SELECT * FROM manifest_lists'), []);
  },
  6: (database) => {
    assert.deepEqual(all(database, 'SELECT * FROM image_blobs'), []);
  },
  7: (database) => {
    const columns = all(database, "SELECT name FROM pragma_table_info('containers')").map((row) => row['name']);
    assert.equal(columns.at(-1), 'paused');
  },
  8: (database) => {
    const columns = all(database, "SELECT name FROM pragma_table_info('image_names')").map((row) => row['name']);
    assert.deepEqual(columns, ['reference', 'image_id', 'digest', 'came_as']);
  },
  9: (database) => {
    assert.deepEqual(all(database, 'SELECT * FROM settings'), []);
    assert.deepEqual(all(database, 'SELECT * FROM container_images'), []);
  },
  10: (database) => {
    assert.deepEqual(all(database, 'SELECT * FROM secrets'), []);
  },
  11: (database) => {
    const rows = all(database, 'SELECT container_id, required_id FROM container_requirements');
    assert.deepEqual(
      rows.map((row) => [row['container_id'], row['required_id']]),
      [
        ['b', 'a'],
        ['b', 'c'],
      ],
    );
  },
  12: (database) => {
    const rows = all(database, 'SELECT DISTINCT listed_command, listed_ports FROM containers');
    assert.deepEqual(
      rows.map((row) => [row['listed_command'], row['listed_ports']]),
      [[null, '']],
    );
  },
};

/** A container that requires two others, and one with options that are no JSON, as before migration 11. */
function insertRequiring(database: ReturnType<typeof openDatabase>): void {
  const insert = (id: string, options: string) =>
    execute(
      database,
      `INSERT INTO containers (id, name, image_reference, state, options, created, network_mode, auto_remove)
         VALUES ('${id}', '${id}', 'x', 'created', '${options}', 0, 'none', 0)`,
    );
  insert('a', '{"options":{"image":"x"}}');
  insert('b', '{"options":{"requires":["a","c"]}}');
  insert('c', 'broken');
}

for (const migration of migrations) {
  test(`migration ${migration.version}: ${migration.name}`, () => {
    const database = openDatabase(':memory:');
    for (const earlier of migrations) {
      if (earlier.version === 11) insertRequiring(database);
      if (earlier.version <= migration.version) execute(database, earlier.sql);
    }
    const check = cases[migration.version];
    assert.ok(check, 'a migration needs a case here');
    check(database);
    assert.deepEqual(all(database, 'PRAGMA foreign_key_check'), []);
    closeDatabase(database);
  });
}

test('migrations are numbered from 1 without a gap', () => {
  assert.deepEqual(
    migrations.map((migration) => migration.version),
    migrations.map((_, index) => index + 1),
  );
});

test('migrate brings an empty database to the current version; a second call changes nothing', () => {
  const database = openDatabase(':memory:');
  migrate(database);
  const schema = get(database, 'SELECT group_concat(sql) AS sql FROM sqlite_schema');
  migrate(database);
  assert.equal(versionOf(database), currentVersion);
  assert.deepEqual(get(database, 'SELECT group_concat(sql) AS sql FROM sqlite_schema'), schema);
});

test('a database of a newer build is refused and left alone', () => {
  const database = openDatabase(':memory:');
  execute(database, `PRAGMA user_version = ${currentVersion + 1}`);
  assert.throws(() => migrate(database), { code: 'unsupported' });
  assert.equal(versionOf(database), currentVersion + 1);
});

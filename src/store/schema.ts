/**
 * The layout of the database and how it got there.
 *
 *   images         one row per image: id is the digest of its config; `removed` marks one that was force-removed while
 *                  containers still need its layers, it is hidden and goes with the last of them
 *   image_names    canonical references ("docker.io/library/alpine:latest") -> image; `digest` is that of the index or
 *                  manifest that a registry knows by the name, `came_as` the one that leaves by it
 *   layers         one row per unpacked layer: named by chain id, `directory` is its name below ROOT/layers
 *   image_layers   which layers an image has, position 0 is the lowest
 *   image_blobs    what an image holds beside those: its index, other forms of its layers and manifest; goes with it
 *   containers     one row per container; its layers are those of its image. `restart_at` is when one that has ended is to
 *                  run again, `stopped` that somebody wants it to stay ended, `paused` that its processes are frozen;
 *                  `listed_command` and `listed_ports` are what lists show of it
 *   networks       bridges; owner is "user" or "onggi" (the default network); `active` is set before the
 *                  bridge is made and cleared after it is removed, so that a killed command leaves no forgotten bridge;
 *                  `idle_since` is when its last lease went, `visit` until when somebody is expected to remove it
 *   address_leases addresses of containers, unique per network; go with their container
 *   port_leases    published ports, unique per host address; go with their container
 *   volumes        directories that outlive containers; `anonymous` ones go with the last container, if that is asked
 *   container_volumes  which volumes a container has; go with their container, and keep the volume until then
 *   container_requirements  which containers have to run before one starts, and stay until it is removed; go with it
 *   registry_blobs what a repository of the registry server has; `used` is when somebody last asked for one that no
 *                  manifest names: those go a day later
 *   registry_manifests    manifests and indexes pushed there; their bytes are blobs
 *   registry_references   which blobs and manifests a manifest names
 *   registry_tags         tag -> manifest, per repository
 *   manifest_lists the lists that `manifest create` makes, one row per image in them; nobody's but the user's, gone with
 *                  `manifest rm` or `push --purge`
 *
 * Who frees what: a row is removed before the file or directory it names (collector: `image/collect.ts`), and a
 * restricting foreign key stops the removal of an image, layer or network that something still uses.
 */
import { OnggiError } from '../errors.ts';
import { type Database, execute, get, transaction } from './database.ts';
import { integer } from './row.ts';

export type Migration = { readonly version: number; readonly name: string; readonly sql: string };

/** In order, never changed once released; each has a test that migrates (schema.test.ts checks that). */
export const migrations: readonly Migration[] = [
  {
    version: 1,
    name: 'containers, images, layers, networks and leases',
    sql: `
CREATE TABLE images (
  id TEXT PRIMARY KEY,
  manifest TEXT NOT NULL,
  created INTEGER NOT NULL,
  size INTEGER NOT NULL,
  removed INTEGER
) STRICT;
CREATE TABLE image_names (
  reference TEXT PRIMARY KEY,
  image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
  digest TEXT
) STRICT;
CREATE INDEX image_names_by_image ON image_names (image_id);
CREATE INDEX image_names_by_digest ON image_names (digest);
CREATE INDEX images_removed ON images (removed) WHERE removed IS NOT NULL;
CREATE TABLE layers (
  chain_id TEXT PRIMARY KEY,
  diff_id TEXT NOT NULL,
  parent TEXT REFERENCES layers (chain_id),
  directory TEXT NOT NULL UNIQUE,
  size INTEGER NOT NULL,
  blob TEXT,
  created INTEGER NOT NULL
) STRICT;
CREATE INDEX layers_by_parent ON layers (parent);
CREATE INDEX layers_by_blob ON layers (blob);
CREATE TABLE image_layers (
  image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  chain_id TEXT NOT NULL REFERENCES layers (chain_id),
  PRIMARY KEY (image_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_layers_by_chain ON image_layers (chain_id);
CREATE INDEX images_by_manifest ON images (manifest);

CREATE TABLE networks (
  name TEXT PRIMARY KEY,
  bridge TEXT NOT NULL UNIQUE,
  subnet TEXT NOT NULL,
  gateway TEXT NOT NULL,
  owner TEXT NOT NULL,
  created INTEGER NOT NULL,
  active INTEGER NOT NULL DEFAULT 0,
  idle_since INTEGER,
  visit INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE containers (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  image_reference TEXT NOT NULL,
  image_id TEXT REFERENCES images (id),
  state TEXT NOT NULL CHECK (state IN ('creating', 'created', 'starting', 'running', 'exited', 'removing')),
  options TEXT NOT NULL,
  created INTEGER NOT NULL,
  started_at INTEGER,
  finished_at INTEGER,
  pid INTEGER,
  pid_start_time INTEGER,
  ending TEXT,
  network_mode TEXT NOT NULL,
  network_name TEXT REFERENCES networks (name),
  auto_remove INTEGER NOT NULL,
  cgroup TEXT
) STRICT;
CREATE INDEX containers_by_state ON containers (state, created);
CREATE INDEX containers_by_created ON containers (created);
CREATE INDEX containers_by_image ON containers (image_id);
CREATE INDEX containers_by_network ON containers (network_name);

CREATE TABLE address_leases (
  network TEXT NOT NULL REFERENCES networks (name),
  address TEXT NOT NULL,
  container_id TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
  PRIMARY KEY (network, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX address_leases_by_container ON address_leases (container_id);
CREATE TABLE port_leases (
  host_ip TEXT NOT NULL,
  host_port INTEGER NOT NULL,
  protocol TEXT NOT NULL,
  container_id TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
  container_port INTEGER NOT NULL,
  PRIMARY KEY (host_ip, host_port, protocol)
) STRICT, WITHOUT ROWID;
CREATE INDEX port_leases_by_container ON port_leases (container_id);
CREATE INDEX port_leases_by_port ON port_leases (protocol, host_port);
`,
  },
  {
    version: 2,
    name: 'what the registry server holds',
    sql: `
CREATE TABLE registry_blobs (
  repository TEXT NOT NULL,
  digest TEXT NOT NULL,
  size INTEGER NOT NULL,
  used INTEGER NOT NULL,
  PRIMARY KEY (repository, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX registry_blobs_by_digest ON registry_blobs (digest);
CREATE TABLE registry_manifests (
  repository TEXT NOT NULL,
  digest TEXT NOT NULL,
  media_type TEXT NOT NULL,
  size INTEGER NOT NULL,
  subject TEXT,
  artifact_type TEXT,
  annotations TEXT,
  used INTEGER NOT NULL,
  PRIMARY KEY (repository, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX registry_manifests_by_digest ON registry_manifests (digest);
CREATE INDEX registry_manifests_by_subject ON registry_manifests (repository, subject) WHERE subject IS NOT NULL;
CREATE TABLE registry_references (
  repository TEXT NOT NULL,
  manifest TEXT NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (repository, manifest, digest),
  FOREIGN KEY (repository, manifest) REFERENCES registry_manifests (repository, digest) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX registry_references_by_digest ON registry_references (repository, digest);
CREATE TABLE registry_tags (
  repository TEXT NOT NULL,
  tag TEXT NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (repository, tag),
  FOREIGN KEY (repository, digest) REFERENCES registry_manifests (repository, digest) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX registry_tags_by_manifest ON registry_tags (repository, digest);
`,
  },
  {
    version: 3,
    name: 'volumes',
    sql: `
CREATE TABLE volumes (
  name TEXT PRIMARY KEY,
  created INTEGER NOT NULL,
  anonymous INTEGER NOT NULL,
  labels TEXT NOT NULL,
  options TEXT NOT NULL
) STRICT;
CREATE TABLE container_volumes (
  container_id TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
  volume TEXT NOT NULL REFERENCES volumes (name),
  PRIMARY KEY (container_id, volume)
) STRICT, WITHOUT ROWID;
CREATE INDEX container_volumes_by_volume ON container_volumes (volume);
`,
  },
  {
    version: 4,
    name: 'restarts of containers',
    sql: `
ALTER TABLE containers ADD COLUMN restart_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE containers ADD COLUMN restart_wait INTEGER NOT NULL DEFAULT 0;
ALTER TABLE containers ADD COLUMN restart_at INTEGER;
ALTER TABLE containers ADD COLUMN stopped INTEGER NOT NULL DEFAULT 0;
CREATE INDEX containers_by_restart ON containers (restart_at) WHERE restart_at IS NOT NULL;
`,
  },
  {
    version: 5,
    name: 'manifest lists',
    sql: `
CREATE TABLE manifest_lists (
  reference TEXT NOT NULL,
  source TEXT NOT NULL,
  entry TEXT NOT NULL,
  PRIMARY KEY (reference, source)
) STRICT;
`,
  },
  {
    version: 6,
    name: 'blobs that an image holds beside its layers',
    sql: `
CREATE TABLE image_blobs (
  image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
  digest TEXT NOT NULL,
  PRIMARY KEY (image_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_blobs_by_digest ON image_blobs (digest);
`,
  },
  {
    version: 7,
    name: 'paused containers',
    sql: `
ALTER TABLE containers ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
`,
  },
  {
    version: 8,
    name: 'what a name that was given here stands for',
    sql: `
ALTER TABLE image_names ADD COLUMN came_as TEXT;
UPDATE image_names SET came_as = digest;
`,
  },
  {
    version: 9,
    name: 'settings of the store, and images that containers mount',
    // A store that has something already began with overlayfs, the only driver there was.
    sql: `
CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO settings SELECT 'storage-driver', 'overlay2'
  WHERE EXISTS (SELECT 1 FROM images) OR EXISTS (SELECT 1 FROM containers);
CREATE TABLE container_images (
  container_id TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
  image_id TEXT NOT NULL REFERENCES images (id),
  PRIMARY KEY (container_id, image_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX container_images_by_image ON container_images (image_id);
`,
  },
  {
    version: 10,
    name: 'secrets',
    // Their content is a file each, of the same id (layout.ts).
    sql: `
CREATE TABLE secrets (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  labels TEXT NOT NULL,
  driver_options TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`,
  },
  {
    version: 11,
    name: 'containers that others require',
    // What is required may go by itself (--rm); whoever starts then says so. So no reference to it.
    sql: `
CREATE TABLE container_requirements (
  container_id TEXT NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
  required_id TEXT NOT NULL,
  PRIMARY KEY (container_id, required_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX container_requirements_by_required ON container_requirements (required_id);
INSERT OR IGNORE INTO container_requirements
  SELECT containers.id, required.value FROM containers, json_each(
    CASE WHEN json_valid(containers.options) THEN containers.options ELSE '{}' END, '$.options.requires') AS required;
`,
  },
  {
    version: 12,
    name: 'what lists show of containers',
    // Those that are there already stay without: lists read their records. The last index has all that `ps` asks of
    // those that run, whose rows lie in four times as many pages.
    sql: `
ALTER TABLE containers ADD COLUMN listed_command TEXT;
ALTER TABLE containers ADD COLUMN listed_ports TEXT NOT NULL DEFAULT '';
CREATE INDEX containers_unlisted ON containers (state) WHERE listed_command IS NULL;
CREATE INDEX containers_running ON containers (created DESC, id, name, image_reference, started_at, paused, pid,
  pid_start_time, listed_command, listed_ports) WHERE state = 'running';
`,
  },
];

export const currentVersion = migrations.at(-1)?.version ?? 0;

/**
 * Brings the database to the layout of this build; costs one read when it is there already.
 * Safe when many processes do it at once: the version is read again under the write lock.
 * @throws OnggiError `unsupported` when the database was written by a newer build
 */
export function migrate(database: Database): void {
  const version = versionOf(database);
  if (version === currentVersion) return;
  if (version > currentVersion || database.readOnly) {
    throw new OnggiError(
      'unsupported',
      `database "${database.path}": layout ${version}, this build has ${currentVersion}`,
      {
        hint:
          version > currentVersion
            ? 'Use the newer onggi that wrote it.'
            : 'Run any command of this onggi as root once.',
      },
    );
  }
  useWriteAheadLog(database);
  transaction(database, () => {
    const now = versionOf(database);
    for (const migration of migrations) {
      if (migration.version <= now) continue;
      execute(database, migration.sql);
      execute(database, `PRAGMA user_version = ${migration.version}`);
    }
  });
}

/** Milliseconds between two tries, and for how long it is tried. */
const [pause, patience] = [5, 10_000];

/**
 * Persistent, and not possible inside a transaction. It takes the database for itself, for which SQLite does not wait,
 * whatever the timeout of the connection: of several processes that make a store together all but one are refused.
 */
function useWriteAheadLog(database: Database): void {
  for (const end = Date.now() + patience; ; ) {
    try {
      execute(database, 'PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (!(error instanceof OnggiError) || error.code !== 'unavailable' || Date.now() > end) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause);
    }
  }
}

export function versionOf(database: Database): number {
  return integer(get(database, 'PRAGMA user_version') ?? {}, 'user_version');
}

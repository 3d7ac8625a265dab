/**
 * Rows of what the registry server holds: `registry_blobs`, `registry_manifests`, `registry_references` and
 * `registry_tags`. Nothing of it is an image of this machine; both only share blobs.
 *
 * A repository that caches another registry's is named by its address ("https://quay.io/team/app"), which nobody can
 * push to: a name that can be pushed has no colon.
 */
import { type Digest, parseDigest } from '../oci/digest.ts';
import { all, type Database, get, type Row, run } from './database.ts';
import { integer, text, textOrNull } from './row.ts';

export type RegistryManifest = {
  readonly repository: string;
  readonly digest: Digest;
  readonly mediaType: string;
  /** Bytes. */
  readonly size: number;
  /** The manifest that it says something about; it need not be there. */
  readonly subject: Digest | null;
  readonly artifactType: string | null;
  /** Of the manifest itself, for the list of referrers. */
  readonly annotations: Readonly<Record<string, string>> | null;
  /** Milliseconds since the epoch: when it came, or when a cached one was last asked for. */
  readonly used: number;
};

/** A second call brings `used` up to now. */
export function putRegistryBlob(
  database: Database,
  repository: string,
  blob: { readonly digest: Digest; readonly size: number },
  now: number,
): void {
  run(
    database,
    `INSERT INTO registry_blobs (repository, digest, size, used) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET size = excluded.size, used = excluded.used`,
    repository,
    blob.digest,
    blob.size,
    now,
  );
}

/** Bytes; undefined when the repository does not have it. */
export function registryBlobSize(database: Database, repository: string, digest: Digest): number | undefined {
  const row = get(database, 'SELECT size FROM registry_blobs WHERE repository = ? AND digest = ?', repository, digest);
  return row === undefined ? undefined : integer(row, 'size');
}

/** The same in any repository that can be pushed to. */
export function registryBlobAnywhere(database: Database, digest: Digest): number | undefined {
  const row = get(
    database,
    "SELECT size FROM registry_blobs WHERE digest = ? AND repository NOT LIKE '%:%' LIMIT 1",
    digest,
  );
  return row === undefined ? undefined : integer(row, 'size');
}

/** Somebody counts on a blob that no manifest names yet. Writes at most once in `interval` ms. */
export function touchRegistryBlob(
  database: Database,
  repository: string,
  digest: Digest,
  now: number,
  interval: number,
): void {
  const old = get(
    database,
    'SELECT 1 FROM registry_blobs WHERE repository = ? AND digest = ? AND used < ?',
    repository,
    digest,
    now - interval,
  );
  if (old === undefined) return;
  run(database, 'UPDATE registry_blobs SET used = ? WHERE repository = ? AND digest = ?', now, repository, digest);
}

/** The first manifest of the repository that names this blob or manifest. */
export function registryReferrer(database: Database, repository: string, digest: Digest): Digest | undefined {
  const row = get(
    database,
    'SELECT manifest FROM registry_references WHERE repository = ? AND digest = ? LIMIT 1',
    repository,
    digest,
  );
  return row === undefined ? undefined : parseDigest(text(row, 'manifest'));
}

/** @param before only if nobody has counted on it since. @returns whether it was there */
export function deleteRegistryBlob(
  database: Database,
  repository: string,
  digest: Digest,
  before = Number.MAX_SAFE_INTEGER,
): boolean {
  const sql = 'DELETE FROM registry_blobs WHERE repository = ? AND digest = ? AND used < ?';
  return run(database, sql, repository, digest, before) > 0;
}

/** Must run in a transaction. Idempotent. @param references blobs and manifests that it names */
export function putRegistryManifest(
  database: Database,
  manifest: RegistryManifest,
  references: readonly Digest[],
): void {
  const { repository, digest } = manifest;
  run(
    database,
    `INSERT INTO registry_manifests (repository, digest, media_type, size, subject, artifact_type, annotations, used)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET media_type = excluded.media_type, used = excluded.used`,
    repository,
    digest,
    manifest.mediaType,
    manifest.size,
    manifest.subject,
    manifest.artifactType,
    manifest.annotations === null ? null : JSON.stringify(manifest.annotations),
    manifest.used,
  );
  const sql = 'INSERT INTO registry_references (repository, manifest, digest) VALUES (?, ?, ?) ON CONFLICT DO NOTHING';
  for (const reference of references) run(database, sql, repository, digest, reference);
}

/** A tag that stood for another manifest moves. */
export function putRegistryTag(database: Database, repository: string, tag: string, digest: Digest): void {
  run(
    database,
    `INSERT INTO registry_tags (repository, tag, digest) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET digest = excluded.digest`,
    repository,
    tag,
    digest,
  );
}

export function registryManifest(database: Database, repository: string, digest: Digest): RegistryManifest | undefined {
  const row = get(database, 'SELECT * FROM registry_manifests WHERE repository = ? AND digest = ?', repository, digest);
  return row === undefined ? undefined : manifestOf(row);
}

export function registryTag(database: Database, repository: string, tag: string): Digest | undefined {
  const row = get(database, 'SELECT digest FROM registry_tags WHERE repository = ? AND tag = ?', repository, tag);
  return row === undefined ? undefined : parseDigest(text(row, 'digest'));
}

/** A cached manifest was asked for. */
export function touchRegistryManifest(database: Database, repository: string, digest: Digest, now: number): void {
  run(database, 'UPDATE registry_manifests SET used = ? WHERE repository = ? AND digest = ?', now, repository, digest);
}

/** With its tags. @returns whether it was there */
export function deleteRegistryManifest(database: Database, repository: string, digest: Digest): boolean {
  return run(database, 'DELETE FROM registry_manifests WHERE repository = ? AND digest = ?', repository, digest) > 0;
}

/** @returns whether it was there */
export function deleteRegistryTag(database: Database, repository: string, tag: string): boolean {
  return run(database, 'DELETE FROM registry_tags WHERE repository = ? AND tag = ?', repository, tag) > 0;
}

/**
 * Takes a blob or manifest that was damaged out of all repositories, so that a push brings it again. What names it stays.
 * @returns whether it was in any
 */
export function dropRegistryContent(database: Database, digest: Digest): boolean {
  const blobs = run(database, 'DELETE FROM registry_blobs WHERE digest = ?', digest);
  return run(database, 'DELETE FROM registry_manifests WHERE digest = ?', digest) + blobs > 0;
}

/** In order of bytes, those after `after`. */
export function registryTags(database: Database, repository: string, after: string, limit: number): string[] {
  return all(
    database,
    'SELECT tag FROM registry_tags WHERE repository = ? AND tag > ? ORDER BY tag LIMIT ?',
    repository,
    after,
    limit,
  ).map((row) => text(row, 'tag'));
}

/** Repositories with a manifest, in order of bytes. @param prefix of their names, which is left off; "" for pushed ones */
export function registryRepositories(database: Database, prefix: string, after: string, limit: number): string[] {
  return all(
    database,
    `SELECT DISTINCT repository FROM registry_manifests
     WHERE repository > ?1 AND substr(repository, 1, ?2) = ?3 AND (?2 > 0 OR instr(repository, ':') = 0)
     ORDER BY repository LIMIT ?4`,
    prefix + after,
    prefix.length,
    prefix,
    limit,
  ).map((row) => text(row, 'repository').slice(prefix.length));
}

export function hasRegistryRepository(database: Database, repository: string): boolean {
  const sql = `SELECT 1 FROM registry_manifests WHERE repository = ?1
     UNION ALL SELECT 1 FROM registry_blobs WHERE repository = ?1 LIMIT 1`;
  return get(database, sql, repository) !== undefined;
}

/** Manifests with this subject, in order of their digests. */
export function registryReferrers(database: Database, repository: string, subject: Digest): RegistryManifest[] {
  return all(
    database,
    'SELECT * FROM registry_manifests WHERE repository = ? AND subject = ? ORDER BY digest',
    repository,
    subject,
  ).map(manifestOf);
}

/**
 * Removes the rows of what nobody needs: blobs that no manifest names and nobody has asked for since `before`, and
 * manifests cached from other registries that nobody has asked for since `cachedBefore`. The files are the caller's.
 * @returns digests of which fewer rows are left
 */
export function deleteIdleRegistryRows(database: Database, before: number, cachedBefore: number): Digest[] {
  const manifests = all(
    database,
    "DELETE FROM registry_manifests WHERE repository LIKE '%:%' AND used < ? RETURNING digest",
    cachedBefore,
  );
  const blobs = all(
    database,
    `DELETE FROM registry_blobs WHERE used < ? AND NOT EXISTS (
       SELECT 1 FROM registry_references
       WHERE registry_references.repository = registry_blobs.repository
         AND registry_references.digest = registry_blobs.digest)
     RETURNING digest`,
    before,
  );
  return [...manifests, ...blobs].map((row) => parseDigest(text(row, 'digest')));
}

function manifestOf(row: Row): RegistryManifest {
  const subject = textOrNull(row, 'subject');
  const annotations = textOrNull(row, 'annotations');
  return {
    repository: text(row, 'repository'),
    digest: parseDigest(text(row, 'digest')),
    mediaType: text(row, 'media_type'),
    size: integer(row, 'size'),
    subject: subject === null ? null : parseDigest(subject),
    artifactType: textOrNull(row, 'artifact_type'),
    annotations: annotations === null ? null : (JSON.parse(annotations) as Record<string, string>),
    used: integer(row, 'used'),
  };
}

export type RegistryContent = {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly isManifest: boolean;
  /** A tag leads to it, directly or through other manifests. */
  readonly tagged: boolean;
};

/** All that the registry server holds, each content once, whatever repositories have it. */
export function registryContents(database: Database): RegistryContent[] {
  const rows = all(
    database,
    `WITH RECURSIVE reached (repository, digest) AS (
       SELECT repository, digest FROM registry_tags
       UNION SELECT r.repository, r.digest FROM registry_references r
         JOIN reached ON r.repository = reached.repository AND r.manifest = reached.digest
       UNION SELECT m.repository, m.digest FROM registry_manifests m
         JOIN reached ON m.repository = reached.repository AND m.subject = reached.digest
     ), held (repository, digest, size, manifest) AS (
       SELECT repository, digest, size, 0 FROM registry_blobs
       UNION ALL SELECT repository, digest, size, 1 FROM registry_manifests
     )
     SELECT digest, max(size) AS size, max(manifest) AS manifest,
       max((repository, digest) IN (SELECT repository, digest FROM reached)) AS tagged
     FROM held GROUP BY digest`,
  );
  return rows.map((row) => ({
    digest: parseDigest(text(row, 'digest')),
    size: integer(row, 'size'),
    isManifest: integer(row, 'manifest') !== 0,
    tagged: integer(row, 'tagged') !== 0,
  }));
}

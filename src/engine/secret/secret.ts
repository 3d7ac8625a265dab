/** Secrets of the store: a row each, and a file that only its owner can read. Acts. */
import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fromSystemError, OnggiError } from '../../errors.ts';
import { lock } from '../../kernel/lock.ts';
import { randomHex } from '../../random.ts';
import { transaction } from '../../store/database.ts';
import { secretPath } from '../../store/layout.ts';
import { deleteSecret, findSecret, insertSecret, listSecrets, type SecretRow } from '../../store/secret-row.ts';
import type { Store } from '../../store/store.ts';
import type { Context } from '../context.ts';
import type { SecretOptions, SecretSummary } from '../types/secret.ts';

/** Bytes, as with Podman and Docker. */
const longest = 512_000;

/** @throws OnggiError `invalid` (name, size), `exists` */
export async function createSecret(
  { store }: Context,
  name: string,
  content: Uint8Array,
  options: SecretOptions,
): Promise<SecretSummary> {
  checkName(name);
  if (content.length === 0 || content.length > longest) {
    throw new OnggiError('invalid', `secret "${name}": it has ${content.length} bytes, and 1 to ${longest} are taken`);
  }
  using _ = await lockSecrets(store);
  removeNameless(store);
  const now = Date.now();
  const row: SecretRow = {
    id: randomHex(13).slice(0, 25),
    name,
    created: now,
    updated: now,
    labels: JSON.stringify(options.labels ?? {}),
    driverOptions: JSON.stringify(options.driverOptions ?? {}),
  };
  writeSecret(secretPath(store.layout, row.id), content);
  try {
    transaction(store.database, () => {
      const before = listSecrets(store.database).find((each) => each.name === name);
      if (before !== undefined && options.replace === true) deleteSecret(store.database, before.id);
      insertSecret(store.database, row);
    });
  } finally {
    removeNameless(store);
  }
  return summaryOf(row);
}

/** Podman's rule (containers/common, pkg/secrets). */
function checkName(name: string): void {
  if (name !== '' && name.length <= 253 && !/[=/,\0]/.test(name) && !/^\.{1,2}$/.test(name)) return;
  throw new OnggiError('invalid', `secret name "${name.slice(0, 80)}": it can not include "=", "/", "," or NUL`, {
    hint: 'It has 1 to 253 characters.',
  });
}

export async function allSecrets({ store }: Context): Promise<SecretSummary[]> {
  return listSecrets(store.database).map(summaryOf);
}

/** @throws OnggiError `not-found`, `invalid` */
export async function getSecret({ store }: Context, ref: string): Promise<SecretSummary> {
  return summaryOf(findSecret(store.database, ref));
}

/** Containers that have it keep it. @returns its id @throws OnggiError `not-found`, `invalid` */
export async function removeSecret({ store }: Context, ref: string): Promise<string> {
  using _ = await lockSecrets(store);
  const { id } = findSecret(store.database, ref);
  deleteSecret(store.database, id);
  removeNameless(store);
  return id;
}

/** What it says. @throws OnggiError `not-found`, `invalid` */
export async function readSecret({ store }: Context, ref: string): Promise<Buffer> {
  const { id } = findSecret(store.database, ref);
  return contentOf(store, id);
}

export function contentOf({ layout }: Store, id: string): Buffer {
  try {
    return readFileSync(secretPath(layout, id));
  } catch (error) {
    throw fromSystemError(error, `read secret "${id}"`);
  }
}

function lockSecrets(store: Store) {
  return lock(join(store.layout.locks, 'secrets'), 'exclusive');
}

/** Files of secrets without a row: of one that was removed, or whose making was cut off. */
function removeNameless({ database, layout }: Store): void {
  const named = new Set(listSecrets(database).map(({ id }) => id));
  for (const id of readdirSync(layout.secrets)) if (!named.has(id)) rmSync(secretPath(layout, id), { force: true });
}

/** @param mode for nobody else until somebody says otherwise */
export function writeSecret(path: string, content: Uint8Array, mode = 0o600): void {
  try {
    const fd = openSync(path, 'wx', mode);
    try {
      for (let offset = 0; offset < content.length; ) offset += writeSync(fd, content, offset);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    rmSync(path, { force: true });
    throw fromSystemError(error, 'write a secret');
  }
}

function summaryOf({ id, name, created, updated, labels, driverOptions }: SecretRow): SecretSummary {
  return { id, name, created, updated, labels: texts(labels), driverOptions: texts(driverOptions) };
}

function texts(json: string): Readonly<Record<string, string>> {
  return JSON.parse(json) as Record<string, string>;
}

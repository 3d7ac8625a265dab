/**
 * Secrets of a container: copied beside it when it is made, and shown in it by binds on a tmpfs, so that neither its layers
 * nor its record ever hold one. Acts.
 */
import { chmodSync, chownSync, mkdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fromSystemError, OnggiError } from '../../errors.ts';
import { mapsOf, unprivileged } from '../../kernel/user-namespace.ts';
import type { Mount, Spec } from '../../oci/runtime-spec.ts';
import { findSecret } from '../../store/secret-row.ts';
import type { Store } from '../../store/store.ts';
import type { Context } from '../context.ts';
import type { Gift } from '../mapped/ask.ts';
import type { SecretUse } from '../types/secret.ts';
import type { IdMapLine } from '../types/user-namespace.ts';
import type { ContainerOptions } from '../types.ts';
import { storePlace } from '../volume/real-source.ts';
import { contentOf, writeSecret } from './secret.ts';

const directory = '/run/secrets';

/** Each with the name that the secret has now: it may go, and its copy stays. @throws OnggiError `not-found`, `invalid` */
export function resolveSecrets(store: Store, options: ContainerOptions): ContainerOptions {
  const { secrets = [] } = options;
  if (secrets.length === 0) return options;
  const named = secrets.map((use): SecretUse => {
    const { name } = findSecret(store.database, use.secret);
    const target = use.target ?? name;
    if (use.type === 'env') checkVariable(target);
    return { ...use, target };
  });
  const places = named.map((use) => `${use.type} ${use.type === 'env' ? use.target : placeOf(use)}`);
  const twice = places.find((place, index) => places.indexOf(place) !== index);
  if (twice !== undefined)
    throw new OnggiError('invalid', `secrets: two of them go to "${twice.replace(/^\w+ /, '')}"`);
  return { ...options, secrets: named };
}

function checkVariable(name: string): void {
  if (!/[=\0]/.test(name)) return;
  throw new OnggiError('invalid', `secret: "${name}" is no name of a variable`);
}

/** Copies what a new container gets. @param path of a directory that is not there yet */
export async function copySecrets(
  context: Context,
  path: string,
  { secrets = [], idMaps }: ContainerOptions,
): Promise<void> {
  if (secrets.length === 0) return;
  const user = unprivileged();
  const maps = idMaps ?? (user === undefined ? undefined : mapsOf(user));
  const gifts: Gift[] = [];
  try {
    mkdirSync(path, { mode: 0o700 });
    for (const [index, use] of secrets.entries()) {
      const copy = join(path, `${index}`);
      writeSecret(copy, contentOf(context.store, findSecret(context.store.database, use.secret).id));
      if (use.type === 'env') continue;
      const owner = { uid: hostId(use.uid, maps?.uids), gid: hostId(use.gid, maps?.gids) };
      if (user === undefined) chownSync(copy, owner.uid, owner.gid);
      else if (owner.uid !== user.uid || owner.gid !== user.gid) {
        gifts.push({ ...storePlace(copy), deep: false, ...owner });
      }
      chmodSync(copy, use.mode);
    }
  } catch (error) {
    throw fromSystemError(error, 'copy the secrets of the container');
  }
  if (user === undefined || gifts.length === 0) return;
  (await import('../mapped/ask.ts')).askMapped(context, user, { op: 'give', gifts });
}

/** @throws OnggiError `invalid` for an id that the container does not have */
function hostId(id: number, map: readonly IdMapLine[] | undefined): number {
  if (map === undefined) return id;
  const line = map.find(({ containerId, size }) => id >= containerId && id < containerId + size);
  if (line !== undefined) return line.hostId + id - line.containerId;
  throw new OnggiError('invalid', `secret: the container has no id ${id}`);
}

/** config.json with the secrets: it lies in a directory that nobody else can enter, and is shown to nobody. */
export function withSecrets(spec: Spec, path: string, { secrets = [] }: ContainerOptions): Spec {
  if (secrets.length === 0 || spec.process === undefined) return spec;
  const variables = secrets.flatMap((use, index) =>
    use.type === 'env' ? [`${use.target ?? use.secret}=${read(join(path, `${index}`))}`] : [],
  );
  const env = [...(spec.process.env ?? []), ...variables];
  return {
    ...spec,
    process: { ...spec.process, env },
    mounts: [...(spec.mounts ?? []), ...secretMounts(path, secrets)],
  };
}

/** The same in words, for `--explain`: without what they say. */
export function withSecretPlaces(spec: Spec, path: string, { secrets = [] }: ContainerOptions): Spec {
  return secrets.length === 0 ? spec : { ...spec, mounts: [...(spec.mounts ?? []), ...secretMounts(path, secrets)] };
}

function secretMounts(path: string, secrets: readonly SecretUse[]): Mount[] {
  const binds = secrets.flatMap((use, index): Mount[] => {
    if (use.type === 'env') return [];
    const source = join(path, `${index}`);
    return [
      {
        destination: placeOf(use),
        type: 'bind',
        source,
        options: ['bind', 'ro', 'nosuid', 'nodev', 'noexec', 'rprivate'],
      },
    ];
  });
  if (!binds.some(({ destination }) => destination.startsWith(`${directory}/`))) return binds;
  // Without it the mount points would be files of the writable layer, and their names part of an image of it.
  const room = {
    destination: directory,
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'nodev', 'noexec', 'mode=755', 'size=64k'],
  };
  return [room, ...binds];
}

function placeOf({ target, secret }: SecretUse): string {
  return posix.resolve(directory, target ?? secret);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw fromSystemError(error, 'read a secret of the container');
  }
}

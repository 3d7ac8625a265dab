/** Where checkpoints lie: each is a directory with the images of criu, below that of its container or one of the user's. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, fromSystemError, OnggiError } from '../../errors.ts';
import type { Container } from '../container/container.ts';
import type { CheckpointPlace } from '../types/checkpoint.ts';

/** criu writes it when all else is written. */
const lastImage = 'inventory.img';

/** Of Docker, for names of many kinds. */
const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

function checkpointsOf({ files }: Container, { directory }: CheckpointPlace): string {
  return directory ?? `${files.directory}/checkpoints`;
}

/** Where criu keeps its log of the last checkpoint and the last restore. */
export function workDirectory({ files }: Container): string {
  return `${files.directory}/criu`;
}

function checkName(name: string): string {
  if (namePattern.test(name)) return name;
  throw new OnggiError('invalid', `Invalid checkpoint ID (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
}

/**
 * Makes the directory of a new checkpoint. One that was cut off has no last image, and gives way; but not where
 * directories of others may lie. Under the lock of the container.
 * @throws OnggiError `invalid`, `exists`
 */
export function makeCheckpoint(container: Container, name: string, place: CheckpointPlace): string {
  const path = join(checkpointsOf(container, place), checkName(name));
  const isOurs = place.directory === undefined;
  if (isOurs && !existsSync(join(path, lastImage))) removeTree(path);
  try {
    mkdirSync(checkpointsOf(container, place), { recursive: true, mode: 0o700 });
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw fromSystemError(error, `make the directory "${path}"`);
    throw new OnggiError('exists', `checkpoint with name ${name} already exists for container ${container.row.name}`);
  }
  return path;
}

/** @throws OnggiError `invalid`, `not-found` */
export function findCheckpoint(container: Container, name: string, place: CheckpointPlace): string {
  const path = join(checkpointsOf(container, place), checkName(name));
  if (existsSync(join(path, lastImage))) return path;
  throw new OnggiError('not-found', `checkpoint ${name} does not exist for container ${container.row.name}`, {
    hint: `"onggi checkpoint ls ${container.row.name}" shows those that there are.`,
  });
}

/** Beside the images: the ID of the container. */
const ownerFile = 'container';

export function writeOwner({ id }: Container, images: string): void {
  const path = join(images, ownerFile);
  try {
    writeFileSync(path, id, { mode: 0o600 });
  } catch (error) {
    throw fromSystemError(error, `write "${path}"`);
  }
}

/** The images name the cgroups and the mounts of their container. @throws OnggiError `conflict` */
export function checkOwner({ id, row }: Container, images: string, name: string): void {
  const path = join(images, ownerFile);
  let owner: string;
  try {
    owner = readFileSync(path, 'utf8');
  } catch (error) {
    throw fromSystemError(error, `read "${path}" of the checkpoint`);
  }
  if (owner === id) return;
  throw new OnggiError('conflict', `checkpoint ${name} is not one of container ${row.name}: it was made of ${owner}`);
}

/** Names, sorted. */
export function listDirectories(container: Container, place: CheckpointPlace): string[] {
  const path = checkpointsOf(container, place);
  try {
    return readdirSync(path)
      .filter((name) => namePattern.test(name) && existsSync(join(path, name, lastImage)))
      .sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw fromSystemError(error, `read the directory "${path}"`);
  }
}

export function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    throw fromSystemError(error, `remove "${path}"`);
  }
}

/** @throws OnggiError `not-found`, `invalid` for a path that is no directory */
export function checkDirectory({ directory }: CheckpointPlace): void {
  if (directory === undefined) return;
  try {
    if (statSync(directory).isDirectory()) return;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw fromSystemError(error, `look at "${directory}"`);
  }
  throw new OnggiError('invalid', `--checkpoint-dir "${directory}": it is not a directory`);
}

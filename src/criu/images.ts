/** What is to be known of a checkpoint before, and of its processes after criu has restored them. Acts. */
import { chmodSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, fromSystemError, OnggiError, unsupported } from '../errors.ts';
import { type ProcessIdentity, signalProcess } from '../kernel/process-identity.ts';
import type { Spec } from '../oci/runtime-spec.ts';
import { descriptorsFile } from './dump.ts';
import { readPageMap } from './pages.ts';
import { excessPrivileges } from './privileges.ts';

const sigkill = 9;

/** @throws OnggiError `denied` when the images give it more than config.json; then it has been killed */
export function attest(id: string, init: ProcessIdentity, spec: Spec): void {
  const excess = excessPrivileges(readText(`/proc/${init.pid}/status`), spec);
  if (excess.length === 0) return;
  signalProcess(init, sigkill);
  throw new OnggiError(
    'denied',
    `restore "${id}": its images give it more than its config.json: ${excess.join('; ')}`,
    {
      hint: 'Restore only images that you trust, with the config.json that they were made with.',
    },
  );
}

/**
 * Lets processes with a user namespace of their own look for images: criu has them look for some that need not be there
 * (timens-ID.img) when they have become the container's root already, or not yet, as it happens. The files stay closed
 * to them.
 */
export function letLookFor(images: string): void {
  try {
    chmodSync(images, (statSync(images).mode & 0o7777) | 0o011);
  } catch (error) {
    throw fromSystemError(error, `let the container look into the checkpoint "${images}"`);
  }
}

/** @throws OnggiError `corrupt` when pages of memory are missing */
export function checkPages(images: string): void {
  try {
    for (const name of readdirSync(images).filter((entry) => /^pagemap-.*\.img$/.test(entry))) {
      const { pages, size } = readPageMap(name, readFileSync(join(images, name)));
      const found = size === 0 ? 0 : statSync(join(images, `pages-${pages}.img`)).size;
      if (found >= size) continue;
      throw new OnggiError(
        'corrupt',
        `"pages-${pages}.img" of the checkpoint: ${found} bytes where ${size} are expected`,
      );
    }
  } catch (error) {
    throw error instanceof OnggiError ? error : fromSystemError(error, `read the checkpoint "${images}"`);
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw fromSystemError(error, `read "${path}"`);
  }
}

/**
 * Where the images of an earlier memory dump are that these go on from, and so on: `parent` in each is a link to them.
 *
 * @returns each by what it is called beside the images, with its path
 * @throws OnggiError `unsupported` for one that is not beside them
 */
export function parentsOf(images: string): { readonly name: string; readonly path: string }[] {
  const found: { readonly name: string; readonly path: string }[] = [];
  for (let path = images; ; ) {
    const link = readParent(path);
    if (link === undefined || found.length > mostParents) return found;
    const [, name] = /^\.\.\/([^/]+)\/?$/.exec(link) ?? [];
    if (name === undefined || name === 'images' || name === 'work') {
      throw unsupported(`restore in a user namespace from a memory dump at "${link}"`, 'Put it beside the images.');
    }
    path = join(path, link);
    found.push({ name, path });
  }
}

/** Links that go round in a circle end somewhere, too. */
const mostParents = 100;

function readParent(images: string): string | undefined {
  try {
    return readlinkSync(join(images, 'parent'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fromSystemError(error, `read the link "${join(images, 'parent')}"`);
  }
}

/** What stdio was, in the order of the descriptors. @throws OnggiError `not-found`, `corrupt` */
export function readDescriptors(images: string): string[] {
  const path = `${images}/${descriptorsFile}`;
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (errnoOf(error) !== undefined) throw fromSystemError(error, `read "${path}" of the checkpoint`);
    throw new OnggiError('corrupt', `read "${path}" of the checkpoint: not JSON`, { cause: error });
  }
  const strings = Array.isArray(found) && found.length === 3 && found.every((item) => typeof item === 'string');
  if (!strings) throw new OnggiError('corrupt', `"${path}" of the checkpoint: not a list of three paths`);
  return found as string[];
}

/**
 * Fetching an image from its registry.
 *
 *   reference ──► index ──► manifest of the platform ──► config ──► layers that are missing, side by side
 *                                                                      └─► one transaction: layers, image, name
 *
 * Nothing has a name in the store before all of it is there and verified.
 */

import { type Code, OnggiError } from '../../errors.ts';
import { parseImageConfig } from '../../image/config.ts';
import type { Digest } from '../../oci/digest.ts';
import { maxManifestSize } from '../../oci/image-spec.ts';
import { formatPlatform, hostPlatform, type Platform, parsePlatform, platformMatch } from '../../oci/platform.ts';
import { canonicalName, parseReference, pinned, type Reference } from '../../oci/reference.ts';
import { fetchBlob, receiveBlob } from '../../registry/blob.ts';
import { type OpenOptions, openSources, readMachine } from '../../registry/open.ts';
import type { Repository } from '../../registry/repository.ts';
import { type ResolvedImage, resolveImage } from '../../registry/resolve.ts';
import { hasBlob, readBlob } from '../../store/blob.ts';
import { imageById, listImageNames } from '../../store/image-row.ts';
import type { Store } from '../../store/store.ts';
import { blobsOf, indexTree } from '../../transport/index-tree.ts';
import { registrySource } from '../../transport/registry-end.ts';
import { storeImage } from '../../transport/store-image.ts';
import type { Beside } from '../../transport/types.ts';
import type { Context } from '../context.ts';
import type { PullEvent } from '../types.ts';
import type { PullOptions } from './images.ts';
import { transferEvents } from './transfer-events.ts';

/**
 * Pulls `name` ("alpine", "localhost:5000/app:1", "alpine@sha256:..."). Leaving the loop early cancels the pull.
 * Idempotent: what is there already is not fetched again, and the same pull by another process is waited for.
 * @throws OnggiError `not-found`, `unauthorized`, `denied`, `unavailable`, `corrupt`, `unsupported`, `exhausted`,
 *   `invalid` (name, platform), `cancelled`; then nothing is registered
 */
export async function* pull(context: Context, name: string, options: PullOptions = {}): AsyncGenerator<PullEvent> {
  const reference = parseReference(name);
  const wanted = options.platform === undefined ? undefined : parsePlatform(options.platform);
  const { credentials, credentialsFile } = options;
  const everyPlatform = options.allPlatforms === true;
  yield* transferEvents<PullEvent>(options.signal, ({ put, signal }) => {
    const job = { context, reference, wanted, everyPlatform, put, signal };
    return pullFromSources(job, { credentials, credentialsFile });
  });
}

type Job = {
  readonly context: Context;
  readonly reference: Reference;
  readonly repository: Repository;
  /** Undefined: whatever suits this machine best. */
  readonly wanted: Platform | undefined;
  /** The other images of the index, too. */
  readonly everyPlatform: boolean;
  readonly put: (event: PullEvent) => void;
  readonly signal: AbortSignal;
};

/** From the first that has it: mirrors of the configuration, then the registry itself, whose word is the last. */
async function pullFromSources(job: Omit<Job, 'repository'>, options: OpenOptions): Promise<void> {
  const machine = await readMachine(process.env);
  const sources = await openSources(machine, job.reference, options);
  const last = sources.pop();
  if (last === undefined) throw new OnggiError('internal', 'a reference without a registry');
  for (const repository of sources) {
    try {
      return await pullImage({ ...job, repository });
    } catch (error) {
      if (!(error instanceof OnggiError) || !passesOn.has(error.code)) throw error;
      job.context.warn(`mirror "${repository.registry}" is passed over: ${error.message}`);
    }
  }
  await pullImage({ ...job, repository: last });
}

/** What a mirror can be passed over for: it has not got the image, not whole, or does not serve us. */
const passesOn: ReadonlySet<Code> = new Set([
  'not-found',
  'unauthorized',
  'denied',
  'unavailable',
  'unsupported',
  'invalid',
  'corrupt',
]);

async function pullImage(job: Job): Promise<void> {
  const { context, reference, repository, put, signal } = job;
  const { store } = context;
  const name = canonicalName(reference);
  const platform = job.wanted ?? hostPlatform();
  const known = (digest: Digest): Buffer | undefined => knownBlob(store, digest);
  const resolved = await resolveImage(repository, reference, { platform, known, signal });
  const { enforcePolicy } = await import('../signature/policy.ts');
  const digests = [resolved.manifest.digest, resolved.digest];
  await enforcePolicy({ reference, repository, digests, environment: process.env, signal });
  put({ type: 'resolved', reference: name, digest: resolved.digest });
  const beside = job.everyPlatform ? await pullOthers(job, resolved) : { manifests: resolved.indexes, blobs: [] };
  const { config } = resolved.manifest.content;
  const id = config.digest;
  const upToDate = isUpToDate(store, name, resolved);
  const what = `config "${id}" of image "${name}"`;
  const configBytes = known(id) ?? (await fetchBlob(repository, { ...config, what, signal }, maxManifestSize));
  checkPlatform(job, parseImageConfig(configBytes, what).value.platform, name);
  if (upToDate && [...beside.manifests, ...beside.blobs].every(({ digest }) => hasBlob(store.layout, digest))) {
    put({ type: 'done', id, upToDate: true });
    return;
  }
  const { manifest } = resolved;
  await storeImage(store, {
    what: `image "${name}"`,
    manifest,
    content: manifest.content,
    config: configBytes,
    name: { reference: name, digest: resolved.digest },
    beside,
    // What is written to the store is hashed there, so it is received without a check of its own.
    open: ({ digest, size }, stop, offset) =>
      receiveBlob(repository, { digest, size, offset, what: `layer "${digest}"`, signal: stop }),
    resumable: true,
    put,
    signal,
  });
  put({ type: 'done', id, upToDate });
}

/**
 * The images of other platforms, each under its name by digest: that is how a container of one of them is made here.
 * @returns what is in the index besides (attestations), so that it can leave again as a whole
 */
async function pullOthers(job: Job, { indexes, manifest }: ResolvedImage): Promise<Beside> {
  const [top] = indexes;
  if (top === undefined) return { manifests: [], blobs: [] };
  const { repository, signal } = job;
  const tree = await indexTree(registrySource(repository, job.reference), top, { signal });
  for (const { digest, platform } of tree.images) {
    if (digest === manifest.digest || platform === null) continue;
    const put = (event: PullEvent): void => {
      if (event.type !== 'resolved' && event.type !== 'done') job.put(event);
    };
    const reference = pinned(job.reference, digest);
    await pullImage({ ...job, reference, wanted: platform, everyPlatform: false, put });
  }
  return { manifests: [...tree.indexes, ...tree.others], blobs: blobsOf(tree.others) };
}

/** A blob that is here and intact. One that was changed on disk is fetched again, which mends it. */
function knownBlob(store: Store, digest: Digest): Buffer | undefined {
  if (!hasBlob(store.layout, digest)) return undefined;
  try {
    return readBlob(store.layout, digest, maxManifestSize);
  } catch (error) {
    if (error instanceof OnggiError && (error.code === 'corrupt' || error.code === 'not-found')) return undefined;
    throw error;
  }
}

/** The name stands for this very image already, by this very index. */
function isUpToDate({ database }: Store, name: string, { digest, manifest }: ResolvedImage): boolean {
  const image = imageById(database, manifest.content.config.digest);
  if (image === undefined || image.removed !== null || image.manifest !== manifest.digest) return false;
  return listImageNames(database, image.id).some((known) => known.reference === name && known.digest === digest);
}

/** An image without an index says only in its config what it runs on. */
function checkPlatform({ context, wanted }: Job, found: Platform, name: string): void {
  if (platformMatch(wanted ?? hostPlatform(), found) > 0) return;
  const message = `image "${name}" is for platform "${formatPlatform(found)}"`;
  if (wanted === undefined) context.warn(`${message}, this machine is "${formatPlatform(hostPlatform())}"`);
  else throw new OnggiError('not-found', `${message}, not for "${formatPlatform(wanted)}"`);
}

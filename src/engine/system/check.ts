/**
 * `system check`: finds what is broken in the store and mends it: out of what is still whole, then from the registry that
 * it came from; what can't be mended is dropped, by name, unless a container needs it.
 */
import { type Code, OnggiError } from '../../errors.ts';
import { checkStore, type Damage, directoriesBelow } from '../../image/check.ts';
import { isBlobWhole, unpackAgain } from '../../image/check-layer.ts';
import { collect } from '../../image/collect.ts';
import { layerArchive } from '../../image/layer-diff.ts';
import { removeImage } from '../../image/remove.ts';
import { openDirectory } from '../../kernel/directory.ts';
import { inUserNamespace } from '../../kernel/user-namespace.ts';
import type { ChainId, Digest } from '../../oci/digest.ts';
import { maxManifestSize } from '../../oci/image-spec.ts';
import { manifestLinks } from '../../oci/manifest-links.ts';
import { familiarName, parseReference } from '../../oci/reference.ts';
import { receiveBlob } from '../../registry/blob.ts';
import { fetchManifestBytes } from '../../registry/manifest-fetch.ts';
import { openSources, readMachine } from '../../registry/open.ts';
import { createBlobWriter, hasBlob, publishBlob, readBlob } from '../../store/blob.ts';
import { containersOfImage } from '../../store/container-row.ts';
import { transaction } from '../../store/database.ts';
import { blobsOfImage } from '../../store/image-blob-row.ts';
import { type ImageRow, imagesWithBlob, imagesWithLayer, listImageNames } from '../../store/image-row.ts';
import { layerByChainId, listLayers } from '../../store/layer-row.ts';
import { layerPath } from '../../store/layout.ts';
import { lockContent } from '../../store/lock.ts';
import { publishSynced } from '../../store/publish.ts';
import { dropRegistryContent } from '../../store/registry-row.ts';
import type { Store } from '../../store/store.ts';
import { removeNamed } from '../../store/temporary.ts';
import { mediaTypeOf } from '../../transport/media-type.ts';
import type { Context } from '../context.ts';

export type CheckSystemOptions = {
  /** Only whether everything is there. */
  readonly quick?: boolean;
  readonly repair?: boolean;
  /** With `repair`: removes containers that can't be mended. */
  readonly force?: boolean;
  readonly onStep?: (what: string) => void;
  readonly signal?: AbortSignal;
};

export type Finding = {
  /** One sentence: what it is and what is wrong. */
  readonly damage: string;
  readonly outcome: 'found' | 'repaired' | 'dropped' | 'left';
  /** What was done, or why nothing was. */
  readonly says: string;
};

export type CheckReport = {
  readonly findings: readonly Finding[];
  /** Paths of what killed processes had left; removed with `repair`. */
  readonly garbage: readonly string[];
};

/** @throws OnggiError when the store can't be read, `cancelled` */
export async function checkSystem(context: Context, options: CheckSystemOptions): Promise<CheckReport> {
  const { store } = context;
  const { quick = false, onStep, signal } = options;
  const damages = await checkStore(store, { quick, ...(onStep !== undefined && { onStep }) });
  if (options.repair !== true) {
    return {
      findings: damages.map((damage) => ({ damage: sentence(damage), outcome: 'found', says: '' })),
      garbage: [],
    };
  }
  const findings: Finding[] = [];
  for (const damage of damages) {
    if (signal?.aborted) throw new OnggiError('cancelled', 'check of the store: given up');
    findings.push({ damage: sentence(damage), ...(await repair(context, damage, options)) });
  }
  return { findings, garbage: await collect(store, signal) };
}

function sentence(damage: Damage): string {
  switch (damage.kind) {
    case 'blob':
      return `blob ${damage.digest} is ${damage.found === 'missing' ? 'missing' : 'not what its digest says'}`;
    case 'layer':
      return `layer ${damage.chainId} ${damage.found === 'missing' ? 'is missing' : 'is not what its blob says'}`;
    case 'image':
      return `image ${damage.id}: ${damage.found}`;
    case 'container':
      return `container ${damage.id}: ${damage.found}`;
    case 'database':
      return `database: ${damage.found}`;
  }
}

type Done = Omit<Finding, 'damage'>;

const repaired = (says: string): Done => ({ outcome: 'repaired', says });
const left = (says: string): Done => ({ outcome: 'left', says });

async function repair(context: Context, damage: Damage, options: CheckSystemOptions): Promise<Done> {
  switch (damage.kind) {
    case 'blob':
      return await repairBlob(context, damage.digest, options.signal);
    case 'layer':
      return await repairLayer(context, damage.chainId);
    case 'image':
      return await dropImages(context, [damage.id]);
    case 'container':
      return await dropContainer(context, damage.id, options.force === true);
    case 'database':
      return left('restore it from a copy, or remove the images and containers that it names');
  }
}

async function repairBlob(context: Context, digest: Digest, signal: AbortSignal | undefined): Promise<Done> {
  const { store } = context;
  if (await isBlobWhole(store.layout, digest)) return repaired('it came back with another one');
  if (await writeFromLayer(context, digest)) return repaired('written again from the unpacked layer');
  const reasons: string[] = [];
  const images = imagesWithBlob(store.database, digest);
  for (const image of images) {
    for (const { reference } of listImageNames(store.database, image.id)) {
      try {
        const source = await fetchBlobOf(context, image, reference, digest, signal);
        return repaired(`fetched again from "${source}"`);
      } catch (error) {
        if (!(error instanceof OnggiError)) throw error;
        reasons.push(`${familiarName(parseReference(reference))}: ${error.message}`);
      }
    }
  }
  const why = reasons.length === 0 ? '' : `; ${reasons.join('; ')}`;
  const isOfLayer = images.every(({ id, manifest }) => id !== digest && manifest !== digest);
  // The registry server would go on saying that it has it, and nobody would push it again.
  const served = transaction(store.database, () => dropRegistryContent(store.database, digest));
  if (images.length === 0) {
    return served ? { outcome: 'dropped', says: 'out of the registry server: push it again' } : left('nobody has it');
  }
  // Containers need the directory of a layer only.
  if (isOfLayer) return left(`its images can be run, but not pushed or saved${why}`);
  return await dropImages(
    context,
    images.map(({ id }) => id),
    why,
  );
}

/** A layer that was made here is written the same way again: it is the tar of its directory. */
async function writeFromLayer({ store }: Context, digest: Digest): Promise<boolean> {
  const row = listLayers(store.database).find(({ blob, diffId }) => blob === digest && diffId === digest);
  if (row === undefined) return false;
  try {
    using root = openDirectory(layerPath(store.layout, row.directory));
    for (const mention of ['never', 'always'] as const) {
      using writer = createBlobWriter(store.layout, { digest });
      const attributes = inUserNamespace() ? 'user' : 'trusted';
      for (const piece of layerArchive(root, mention, { attributes })) writer.write(piece);
      const written = attempt(() => writer.finish());
      if (written === undefined) continue;
      publishBlob(written);
      return true;
    }
  } catch (error) {
    if (!(error instanceof OnggiError)) throw error;
  }
  return false;
}

const unreadable: ReadonlySet<Code> = new Set(['corrupt', 'invalid', 'unsupported']);

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof OnggiError && unreadable.has(error.code)) return undefined;
    throw error;
  }
}

/** @returns the name of the registry */
async function fetchBlobOf(
  { store }: Context,
  image: ImageRow,
  name: string,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<string> {
  const reference = parseReference(name);
  const machine = await readMachine(process.env);
  const repository = (await openSources(machine, reference, {})).at(-1);
  if (repository === undefined) throw new OnggiError('internal', 'a reference without a registry');
  using writer = createBlobWriter(store.layout, { digest });
  const size = blobSizeIn(store, image, digest);
  if (size === undefined) {
    const what = `manifest "${digest}" of image "${name}"`;
    const { bytes } = await fetchManifestBytes(repository, { reference: digest, what, signal });
    writer.write(bytes);
  } else {
    for await (const piece of receiveBlob(repository, { digest, size, signal })) writer.write(piece);
  }
  publishBlob(writer.finish());
  return repository.registry;
}

/** Bytes of a blob that one of the image's manifests names; undefined when none does: it is a manifest itself. */
function blobSizeIn({ database, layout }: Store, image: ImageRow, digest: Digest): number | undefined {
  for (const manifest of [image.manifest, ...blobsOfImage(database, image.id)]) {
    if (manifest === digest || !hasBlob(layout, manifest)) continue;
    const links = attempt(() => {
      const bytes = readBlob(layout, manifest, maxManifestSize);
      return manifestLinks(bytes, mediaTypeOf(bytes, `blob "${manifest}"`));
    });
    const found = links?.blobs.find((blob) => blob.digest === digest);
    if (found !== undefined) return found.size;
  }
  return undefined;
}

async function repairLayer(context: Context, chainId: ChainId): Promise<Done> {
  const { store } = context;
  const row = layerByChainId(store.database, chainId);
  if (row === undefined) return repaired('it was removed meanwhile');
  const images = imagesWithLayer(store.database, chainId);
  const user = images
    .flatMap(({ id }) => containersOfImage(store.database, id))
    .find(({ state }) => state === 'running');
  if (user !== undefined) return left(`container ${user.name} runs on it: stop it and check again`);
  try {
    using staged = await unpackAgain(store, row, directoriesBelow(store, row));
    const path = layerPath(store.layout, row.directory);
    using _ = await lockContent(store.layout, 'shared');
    removeNamed(store.layout, path);
    publishSynced([{ from: staged.path, to: path }]);
    return repaired('unpacked again from its blob');
  } catch (error) {
    if (!(error instanceof OnggiError)) throw error;
    return await dropImages(
      context,
      images.map(({ id }) => id),
      `: ${error.message}`,
    );
  }
}

async function dropImages({ store }: Context, ids: readonly Digest[], why = ''): Promise<Done> {
  const gone: string[] = [];
  const kept: string[] = [];
  for (const id of ids) {
    try {
      const { untagged } = await removeImage(store, id, { allNames: true });
      gone.push(untagged.length === 0 ? id : untagged.join(', '));
    } catch (error) {
      if (!(error instanceof OnggiError) || error.code === 'not-found') continue;
      kept.push(error.message);
    }
  }
  if (kept.length > 0) return left(`${kept.join('; ')}${why}`);
  return {
    outcome: 'dropped',
    says: `removed ${gone.length === 0 ? 'with its image' : `image ${gone.join(', ')}`}${why}`,
  };
}

async function dropContainer(context: Context, id: string, force: boolean): Promise<Done> {
  if (!force) return left('it has lost its changes: remove it, or use --force');
  const { remove } = await import('../container/end.ts');
  await remove(context, id, { force: true });
  return { outcome: 'dropped', says: 'removed' };
}

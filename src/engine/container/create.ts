/** Making a container: its directories, then its row. Nothing of it runs yet. */
import { mkdirSync } from 'node:fs';
import { fromSystemError, OnggiError } from '../../errors.ts';
import { findImage } from '../../image/find.ts';
import { canMapIds, toMachine } from '../../image/id-map.ts';
import { createSnapshot, createWritableLayer, removeSnapshot } from '../../image/snapshot.ts';
import { storageDriver } from '../../image/storage-driver.ts';
import { openDirectory } from '../../kernel/directory.ts';
import { unprivileged } from '../../kernel/user-namespace.ts';
import type { Digest } from '../../oci/digest.ts';
import { mergeHealth } from '../../oci/health.ts';
import { addContainerImage } from '../../store/container-image-row.ts';
import { type ContainerRow, findContainer, insertContainer, noRestart } from '../../store/container-row.ts';
import { syncDatabase, transaction } from '../../store/database.ts';
import type { ImageRow } from '../../store/image-row.ts';
import { type ContentGuard, lockContent } from '../../store/lock.ts';
import { addRequirement } from '../../store/requirement-row.ts';
import type { Store } from '../../store/store.ts';
import type { Context } from '../context.ts';
import { emit } from '../event/emit.ts';
import { containerNews, volumeNews } from '../event/news.ts';
import { checkHealth, checkOnFailure } from '../health/settings.ts';
import { hostCommand } from '../image/host-image.ts';
import { readImageConfig } from '../image/view.ts';
import { listedCommand } from '../listing/listed.ts';
import { imagesOf, makeImagePlaces, settleImages } from '../mount/image-volume.ts';
import { processArgs } from '../spec/process.ts';
import type { ContainerOptions, ContainerSummary } from '../types.ts';
import { makeVolumeDirectory, newVolumeName, recordVolumes } from '../volume/volume.ts';
import { type AnyMount, hasGiven, type NeededVolume, resolveMounts, sharedMounts } from '../volume/volume-mount.ts';
import { checkOptions } from './check.ts';
import { type Asked, containerOf, encodeAsked, filesOf, summaryOf } from './container.ts';
import { exposedPorts } from './inspect-config.ts';
import { resolveJoined } from './joined.ts';
import { newContainerId, parseContainerName, randomContainerName } from './name.ts';
import { resolveRequirements } from './requirements.ts';
import { hasSelinux, lockIds, resolveUserNamespace } from './user-namespace.ts';

/** The image that is this machine itself. */
export const hostImage = 'host';

/**
 * @throws OnggiError `not-found` (no such image), `exists` (the name is taken), `invalid` (no command, bad name)
 */
export async function createContainer(context: Context, options: ContainerOptions): Promise<ContainerSummary> {
  return summaryOf(context.store, await insertNew(context, options));
}

/** Directories first, row last: a crash in between leaves a directory that no row names, which `collect` removes. */
export async function insertNew(context: Context, given: ContainerOptions): Promise<ContainerRow> {
  const { store } = context;
  const secrets = given.secrets === undefined ? undefined : await import('../secret/use.ts');
  const named = resolveNames(store, given, secrets);
  // Ids that are free now are taken only with the row.
  using _ids = await lockIds(store, named);
  const { options, image, resolved, settled, images, asked } = await settle(context, named);
  const id = newContainerId();
  const files = filesOf(store, id);
  // The collector takes a directory without a row for garbage; it waits for this lock.
  using content = await lockContent(store.layout, 'shared');
  try {
    await makeDirectories(context, id, image, options, content);
    const driver = storageDriver(store, context.storageDriver);
    await makeImagePlaces(context, id, settled, driver, content);
    await secrets?.copySecrets(context, files.secrets, options);
    for (const { mount } of resolved.volumes) makeVolumeDirectory(store, mount.name, content);
    const { row, madeVolumes } = insertNamed(
      store,
      options,
      { volumes: resolved.volumes, images: images.map((each) => each.id) },
      (name) => rowOf(id, name, image, asked),
    );
    const news = madeVolumes.map((name) => volumeNews('create', name));
    emit(store, ...news, containerNews(containerOf(store, row), 'create'));
    // One that outlives its command outlives a power cut, too.
    if (!row.autoRemove) syncDatabase(store.database);
    return row;
  } catch (error) {
    removeSnapshot(store, id);
    throw error;
  }
}

/** Makes nothing. @throws as `createContainer` would, but for the name, what runs short and what changes meanwhile */
export async function checkNew(context: Context, given: ContainerOptions): Promise<void> {
  const secrets = given.secrets === undefined ? undefined : await import('../secret/use.ts');
  await settle({ ...context, warn: () => undefined }, resolveNames(context.store, given, secrets));
}

/** The names of other things become what they stand for. */
function resolveNames(
  store: Store,
  given: ContainerOptions,
  secrets: Pick<typeof import('../secret/use.ts'), 'resolveSecrets'> | undefined,
): ContainerOptions {
  const joined = resolveJoined(store, withHostCommand(given));
  return resolveRequirements(store, secrets?.resolveSecrets(store, joined) ?? joined);
}

type Settled = {
  readonly options: ContainerOptions;
  readonly image: ImageRow | null;
  readonly resolved: ReturnType<typeof resolveMounts>;
  /** With its mounts and their images. */
  readonly settled: ContainerOptions;
  readonly images: ReturnType<typeof imagesOf>;
  readonly asked: Asked;
};

/** All that is asked for, checked and found. */
async function settle(context: Context, named: ContainerOptions): Promise<Settled> {
  const { store } = context;
  const labelled = await withLabels(context, named);
  const options = await withProgram(await resolveUserNamespace(store, labelled));
  checkHostImage(options);
  await checkOptions(options);
  checkHealth(options);
  if (hasGiven(options)) (await import('../volume/give.ts')).checkGiven(store, options);
  const image = options.rootfs !== undefined || options.image === hostImage ? null : findImage(store, options.image);
  const ofImage = image === null ? null : readImageConfig(store, image.id).value.process;
  const resolved = resolveMounts(options, sharedBy(store, options), ofImage?.volumes ?? [], newVolumeName);
  const health = mergeHealth(options.health, ofImage?.health);
  checkOnFailure(options, health);
  const settled = { ...options, mounts: settleImages(store, { ...options, mounts: resolved.mounts }) };
  const images = imagesOf(settled);
  const asked = {
    options: settled,
    args: processArgs(options, ofImage),
    imageLabels: ofImage?.labels ?? {},
    imageExposed: exposedPorts({}, ofImage),
    health,
  };
  return { options, image, resolved, settled, images, asked };
}

async function withProgram(options: ContainerOptions): Promise<ContainerOptions> {
  if (options.runtime === undefined) return options;
  return (await import('../oci-runtime/program.ts')).resolveRuntime(options);
}

/** Where SELinux is not on there is nothing to be done, but for those who ask. */
async function withLabels(context: Context, options: ContainerOptions): Promise<ContainerOptions> {
  if (!hasSelinux() && options.security?.label === undefined) return options;
  const { resolveLabels } = await import('../selinux/resolve.ts');
  return resolveLabels(context.store, options, (message) => context.warn(message));
}

/** The kernel stacks nothing on a root whose mounts a user namespace has not made itself (clone_private_mount). */
function checkHostImage({ image, idMaps, rootfs, storageSize }: ContainerOptions): void {
  if (rootfs !== undefined) {
    if (storageSize !== undefined && !rootfs.overlay) {
      throw new OnggiError('unsupported', '--storage-opt size: a directory of yours is not limited', {
        hint: 'Use DIR:O.',
      });
    }
    return;
  }
  if (image === hostImage && idMaps !== undefined) {
    throw new OnggiError('unsupported', 'image "host": in a user namespace all files would be nobody\'s', {
      hint: 'Leave --userns out, or use an image.',
    });
  }
  if (image !== hostImage || unprivileged() === undefined) return;
  throw new OnggiError('denied', 'image "host": an ordinary user can have no copy of this machine', {
    hint: 'Run it as root, or use an image.',
  });
}

/** The image `host` has no config to name a command. */
export function withHostCommand(options: ContainerOptions): ContainerOptions {
  const none = options.command === undefined || options.command.length === 0;
  const bare = options.rootfs === undefined && options.image === hostImage && options.entrypoint === undefined && none;
  return bare ? { ...options, command: hostCommand } : options;
}

async function makeDirectories(
  context: Context,
  id: string,
  image: ImageRow | null,
  options: ContainerOptions,
  guard: ContentGuard,
): Promise<void> {
  const { store, storageDriver: asked } = context;
  const { idMaps: maps, storageSize: size, rootfs } = options;
  const files = filesOf(store, id);
  const quota = size === undefined ? undefined : await import('../../image/snapshot-quota.ts');
  try {
    mkdirSync(files.directory, { mode: 0o700 });
    mkdirSync(files.rootfs, { mode: 0o700 });
    const driver = storageDriver(store, asked);
    const user = unprivileged();
    const mapped = maps === undefined || (user === undefined && canMapIds(store, driver));
    quota?.checkSizeLimit(store, driver, !mapped);
    const request = { driver, image: image?.id ?? null, ...(!mapped && { owner: toMachine(maps) }) };
    if (rootfs?.overlay === true) createWritableLayer(files, rootfs.path);
    else if (rootfs !== undefined) openDirectory(rootfs.path)[Symbol.dispose]();
    else if (user !== undefined && maps !== undefined && image !== null) {
      (await import('./own-tree.ts')).copyOwnTree(context, user, { files, image: image.id, options, maps });
    } else await createSnapshot(store, files, request, guard);
    if (size !== undefined) quota?.limitSnapshot(files, size);
  } catch (error) {
    throw fromSystemError(error, `make directories of container "${id}"`);
  }
}

/** The mounts that `volumesFrom` asks for. @throws OnggiError `not-found` */
function sharedBy(store: Store, { volumesFrom = [] }: ContainerOptions): AnyMount[] {
  return volumesFrom.flatMap(({ container, readOnly }) =>
    sharedMounts(containerOf(store, findContainer(store.database, container)).options, readOnly),
  );
}

function insertNamed(
  store: Store,
  options: ContainerOptions,
  needed: { readonly volumes: readonly NeededVolume[]; readonly images: readonly Digest[] },
  row: (name: string) => ContainerRow,
): { readonly row: ContainerRow; readonly madeVolumes: readonly string[] } {
  const asked = options.name === undefined || options.name === '' ? undefined : parseContainerName(options.name);
  for (let attempt = 0; ; attempt++) {
    const made = row(asked ?? randomContainerName(attempt));
    try {
      const madeVolumes = transaction(store.database, () => {
        insertContainer(store.database, made);
        for (const image of needed.images) addContainerImage(store.database, made.id, image);
        for (const id of options.requires ?? []) addRequirement(store.database, made.id, id);
        return recordVolumes(store, made.id, needed.volumes);
      });
      return { row: made, madeVolumes };
    } catch (error) {
      const taken = error instanceof OnggiError && error.code === 'exists';
      if (!taken || asked !== undefined || attempt > 8) throw error;
    }
  }
}

function rowOf(id: string, name: string, image: ImageRow | null, asked: Asked): ContainerRow {
  const { options } = asked;
  return {
    id,
    name,
    imageReference: options.image,
    imageId: image?.id ?? null,
    state: 'created',
    options: encodeAsked(asked),
    created: Date.now(),
    startedAt: null,
    finishedAt: null,
    pid: null,
    pidStartTime: null,
    ending: null,
    networkMode: options.network ?? 'bridge',
    networkName: null,
    autoRemove: options.autoRemove ?? false,
    cgroup: null,
    listedCommand: listedCommand(asked),
    listedPorts: '',
    ...noRestart,
  };
}

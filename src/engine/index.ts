/**
 * The library: containers and images over one store, with no daemon behind it.
 *
 *   await using engine = Engine.open();
 *   const { session } = await engine.containers.run({ image: 'alpine', command: ['id'], autoRemove: true });
 *
 * Runs under Bun and Node 24 or later, as root or as an ordinary user. Any number of processes may use the same store at the same time,
 * `onggi` itself among them. Each operation loads only the modules that it needs.
 */

import type { StorageDriver } from '../image/storage-driver.ts';
import { type Containers, makeContainers } from './container/containers.ts';
import type { CacheOptions, Content, ContentOptions, WritableContent } from './content/content.ts';
import { type Context, type ContextOptions, makeContext } from './context.ts';
import { type Images, makeImages } from './image/images.ts';
import { type ManifestLists, makeManifestLists } from './image/manifest-lists.ts';
import { makeTransfers, type Transfers } from './image/transfer.ts';
import { makeNetworks, type Networks } from './network/networks.ts';
import { makeRegistries, type Registries } from './registry/registries.ts';
import { makeSecrets, type Secrets } from './secret/secrets.ts';
import type { EngineInfo } from './system/info.ts';
import { makeSystem, type System } from './system/system.ts';
import type { EngineEvent, EventQuery } from './types/event.ts';
import { makeVolumes, type Volumes } from './volume/volumes.ts';

export { OnggiError } from '../errors.ts';
export type { Credentials } from '../registry/credentials.ts';
export { version } from '../version.ts';
export type { Containers } from './container/containers.ts';
export type * from './content/content.ts';
export type { ContextOptions as EngineOptions } from './context.ts';
export type { HistoryEntry, Images, ImportOptions, PullOptions, PushOptions, RemovedImage } from './image/images.ts';
export type { LoadedImage, LoadOptions } from './image/load.ts';
export type { ManifestLists } from './image/manifest-lists.ts';
export type { SaveOptions } from './image/save.ts';
export type { SignOptions, VerifiedSignature, VerifyOptions } from './image/signature.ts';
export type { CopiedImage, Transfers } from './image/transfer.ts';
export type { Networks } from './network/networks.ts';
export type { FoundRepository, LoggedIn, LoginOptions, Registries, SearchOptions } from './registry/registries.ts';
export type { Secrets } from './secret/secrets.ts';
export type { ManifestCheck, ManifestSigning } from './signature/simple-signing.ts';
export type { CheckReport, CheckSystemOptions, Finding } from './system/check.ts';
export type { EngineInfo } from './system/info.ts';
export type { PrunedSystem, PruneSystemOptions } from './system/prune.ts';
export type { System } from './system/system.ts';
export type { ContainerUsage, ImageUsage, SystemUsage, VolumeUsage } from './system/usage.ts';
export type * from './types.ts';
export type { Volumes } from './volume/volumes.ts';

export class Engine implements AsyncDisposable {
  readonly #context: Context;
  readonly containers: Containers;
  readonly images: Images;
  readonly registries: Registries;
  readonly transfers: Transfers;
  readonly manifestLists: ManifestLists;
  readonly secrets: Secrets;
  readonly volumes: Volumes;
  readonly networks: Networks;
  readonly system: System;

  private constructor(context: Context) {
    this.#context = context;
    this.containers = makeContainers(context);
    this.images = makeImages(context);
    this.registries = makeRegistries();
    this.transfers = makeTransfers(context);
    this.manifestLists = makeManifestLists(context);
    this.secrets = makeSecrets(context);
    this.volumes = makeVolumes(context);
    this.networks = makeNetworks(context);
    this.system = makeSystem(context);
  }

  /** Opens nothing yet: the store is opened by the first operation that needs it. The caller disposes of the engine. */
  static open(options: ContextOptions = {}): Engine {
    return new Engine(makeContext(options));
  }

  /** What a registry of this store offers and takes in. */
  async content(options: ContentOptions = {}): Promise<WritableContent> {
    const { openContent } = await import('./content/content.ts');
    return await openContent(this.#context, options);
  }

  /** Another registry as content: fetched when it is asked for, and kept. */
  async cache(options: CacheOptions): Promise<Content> {
    const { openCache } = await import('./content/content.ts');
    return await openCache(this.#context, options);
  }

  /**
   * How the store makes the file systems of containers; a new one begins with what was asked for, or the first that works.
   * @throws OnggiError `conflict` when it has another one than was asked for, `unsupported` when that can't work there
   */
  async storageDriver(): Promise<StorageDriver> {
    const { storageDriver } = await import('../image/storage-driver.ts');
    return storageDriver(this.#context.store, this.#context.storageDriver);
  }

  /** Facts about the store and the machine. */
  async info(): Promise<EngineInfo> {
    const { engineInfo } = await import('./system/info.ts');
    return engineInfo(this.#context);
  }

  /**
   * What has happened in the store and what happens from now on, by whatever process, until `until` or `signal`.
   * @throws OnggiError `invalid` for a filter that there is not
   */
  async *events(query: EventQuery = {}, signal?: AbortSignal): AsyncGenerator<EngineEvent, void, undefined> {
    const { events } = await import('./event/events.ts');
    yield* events(this.#context, query, signal);
  }

  /**
   * Brings the record of a container that has ended to the truth and takes away what it left; all containers when
   * `id` is absent. What the shim runs at the end; any other operation does it too, for what it touches.
   */
  async reconcile(id?: string): Promise<void> {
    const { reconcile } = await import('./container/reconcile.ts');
    await reconcile(this.#context, id);
  }

  /**
   * What a machine does once after it has started: containers run again as their restart policies want it.
   * @returns those that could not be started, with why
   */
  async boot(): Promise<{ readonly name: string; readonly error: unknown }[]> {
    const { boot } = await import('./container/reconcile.ts');
    return await boot(this.#context);
  }

  /** Closes the store. Containers go on; a second call does nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#context.close();
  }
}

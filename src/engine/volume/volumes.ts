/** The operations on volumes, each loaded when it is first called. */
import type { Context } from '../context.ts';
import type { VolumeOptions, VolumeSummary } from '../types.ts';
import type { PrunedVolume } from './volume.ts';

export type Volumes = {
  /** One of that name that is there already is what was asked for. @throws `invalid` */
  create(options?: VolumeOptions): Promise<VolumeSummary>;
  /** By name. */
  list(): Promise<VolumeSummary[]>;
  /** @throws `not-found` */
  get(name: string): Promise<VolumeSummary>;
  /** @throws `not-found`; `conflict` when a container has it */
  remove(name: string): Promise<void>;
  /** Removes those that no container has and that match. @returns what was removed */
  prune(matches: (volume: VolumeSummary) => boolean): Promise<PrunedVolume[]>;
};

export function makeVolumes(context: Context): Volumes {
  return {
    create: async (options) => (await import('./volume.ts')).createVolume(context, options ?? {}),
    list: async () => (await import('./volume.ts')).allVolumes(context),
    get: async (name) => (await import('./volume.ts')).getVolume(context, name),
    remove: async (name) => (await import('./volume.ts')).removeVolume(context, name),
    prune: async (matches) => (await import('./volume.ts')).pruneVolumes(context, matches),
  };
}

/** Which mounts a container has in the end: those asked for, those of other containers, the image's volumes. Pure. */
import { posix } from 'node:path';
import { OnggiError } from '../../errors.ts';
import type { Mount } from '../../oci/runtime-spec.ts';
import type { BindMount, ContainerOptions, ImageMount, TmpfsMount, VolumeMount } from '../types.ts';

export type AnyMount = BindMount | TmpfsMount | VolumeMount | ImageMount;

/** Each is a directory and a row: an image must not be able to fill the store with them. */
const imageVolumesMax = 128;

/** Docker's rule for the names of volumes (moby, volume/local). */
const grammar = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** @throws OnggiError `invalid` */
export function parseVolumeName(name: string): string {
  if (grammar.test(name) && name.length <= 255) return name;
  const shown = name.slice(0, 80);
  throw new OnggiError('invalid', `volume name "${shown}": only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`, {
    hint: 'A directory of the host is written as an absolute path.',
  });
}

/** A volume that a container needs; named, also if it is anonymous. */
export type NeededVolume = { readonly mount: VolumeMount & { readonly name: string }; readonly anonymous: boolean };

export type ResolvedMounts = { readonly mounts: readonly AnyMount[]; readonly volumes: readonly NeededVolume[] };

/**
 * @param asked its `volumes` are made where nothing else is mounted, neither by `mounts` nor from `others`
 * @param others mounts of the containers that `volumesFrom` names, in its order, as they are to be here; of several on
 *   one place the last one counts, as in Docker
 * @param ofImage paths at which the image wants a volume; what makes no sense there is passed over, because an image has
 *   no say in anything but its own directories
 * @param newName makes the name of an anonymous volume
 * @throws OnggiError `invalid`
 */
export function resolveMounts(
  asked: Pick<ContainerOptions, 'mounts' | 'volumes'>,
  others: readonly AnyMount[],
  ofImage: readonly string[],
  newName: () => string,
): ResolvedMounts {
  const mounts: AnyMount[] = [...(asked.mounts ?? [])];
  const places = new Set(mounts.map(({ target }) => place(target)));
  const add = (mount: AnyMount): void => {
    const at = place(mount.target);
    if (places.has(at)) return;
    places.add(at);
    mounts.push(mount);
  };
  for (const mount of new Map(others.map((each) => [place(each.target), each])).values()) add(mount);
  if (ofImage.length > imageVolumesMax) {
    throw new OnggiError(
      'invalid',
      `the image asks for ${ofImage.length} volumes: at most ${imageVolumesMax} are made`,
    );
  }
  for (const target of [...(asked.volumes ?? []), ...ofImage.filter(mayBeVolume)]) {
    add({ type: 'volume', target: place(target), readOnly: false, copy: true });
  }
  const volumes: NeededVolume[] = [];
  const named = mounts.map((mount) => {
    if (mount.type !== 'volume') return mount;
    const anonymous = mount.name === undefined;
    const needed = { ...mount, name: anonymous ? newName() : parseVolumeName(mount.name) };
    if (needed.options !== undefined) checkVolumeOptions(needed.options);
    volumes.push({ mount: needed, anonymous });
    return needed;
  });
  return { mounts: named, volumes };
}

function place(target: string): string {
  return posix.normalize(`/${target}`).replace(/(?<=.)\/$/, '');
}

/** Not the root, nor what the engine mounts itself. */
function mayBeVolume(target: string): boolean {
  return target.startsWith('/') && !/^\/(?:$|(?:proc|sys|dev)(?:\/|$))/.test(place(target));
}

const optionNames: readonly string[] = ['type', 'device', 'o'];

/** @throws OnggiError `invalid` (moby, volume/local: the same three options) */
export function checkVolumeOptions(options: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(options)) {
    if (!optionNames.includes(name)) {
      throw new OnggiError('invalid', `volume option "${name}": unknown`, { hint: 'There are: type, device, o.' });
    }
  }
  const { type, device } = options;
  if (Object.keys(options).length > 0 && ((type ?? '') === '' || (device ?? '') === '')) {
    throw new OnggiError('invalid', 'volume options: type and device go together', {
      hint: 'For example --opt type=tmpfs --opt device=tmpfs --opt o=size=100m.',
    });
  }
}

export type VolumeFacts = {
  readonly path: string;
  readonly options: Readonly<Record<string, string>>;
  /** Where a container that runs has it mounted already. */
  readonly shared?: string;
};

/** Whether it is a file system that is mounted, and no directory that is bound. */
export function isMounted({ options }: VolumeFacts): boolean {
  const { type, device, o = '' } = options;
  return type !== undefined && device !== undefined && !isBind(type, o.split(','));
}

function isBind(type: string, words: readonly string[]): boolean {
  return type === 'none' || words.includes('bind') || words.includes('rbind');
}

/** A volume as a mount of config.json: its directory, or what its options mount. @throws OnggiError `unsupported` */
export function volumeMount(mount: VolumeMount, destination: string, volume: VolumeFacts): Mount {
  const { type, device, o = '' } = volume.options;
  const words = o.split(',').filter((word) => word !== '');
  const readOnly = mount.readOnly ? ['ro'] : [];
  if (type === undefined || device === undefined) {
    return { destination, type: 'bind', source: volume.path, options: ['rbind', ...readOnly, 'rprivate'] };
  }
  if (mount.subpath !== undefined) {
    throw new OnggiError(
      'unsupported',
      `subpath "${mount.subpath}" of volume "${mount.name}", which mounts "${device}"`,
    );
  }
  if (volume.shared !== undefined) {
    return { destination, type: 'bind', source: volume.shared, options: ['bind', ...readOnly, 'rprivate'] };
  }
  if (!isBind(type, words)) return { destination, type, source: device, options: [...words, ...readOnly] };
  return { destination, type: 'bind', source: device, options: [...new Set(['rbind', ...words, ...readOnly])] };
}

/** Those that are given to the container's user. */
export function givenMounts({ mounts = [] }: Pick<ContainerOptions, 'mounts'>): (BindMount | VolumeMount)[] {
  return mounts.flatMap((mount) =>
    (mount.type === 'bind' || mount.type === 'volume') && mount.chown === true ? [mount] : [],
  );
}

export function hasGiven(options: Pick<ContainerOptions, 'mounts'>): boolean {
  return givenMounts(options).length > 0;
}

/** The binds and volumes of another container, for `volumesFrom`. */
export function sharedMounts(options: ContainerOptions, readOnly: boolean | null): AnyMount[] {
  const shared = (options.mounts ?? []).filter((mount) => mount.type !== 'tmpfs');
  // They belong to the user of that one, or to nobody in particular.
  return shared.map(({ byMount: _, ...mount }) => ({
    ...mount,
    readOnly: readOnly ?? mount.readOnly,
    ...('chown' in mount && { chown: false }),
  }));
}

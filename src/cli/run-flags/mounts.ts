/** Which mount counts where flags of several kinds name one place: Docker's rules, as its daemon keeps them. Pure. */
import { posix } from 'node:path';
import type { ImageMount, TmpfsMount, VolumeMount } from '../../engine/types.ts';
import { OnggiError } from '../../errors.ts';
import type { BindSpec } from '../value/volume.ts';

type MountFlags = {
  readonly volume: readonly (BindSpec | VolumeMount)[];
  readonly mount: readonly (BindSpec | TmpfsMount | VolumeMount | ImageMount)[];
  readonly tmpfs: readonly TmpfsMount[];
};

export type AskedMounts = {
  readonly mounts: readonly (BindSpec | TmpfsMount | VolumeMount | ImageMount)[];
  /** Of `-v PATH`: where nothing else is. */
  readonly volumes: readonly string[];
  /** What is asked for but not seen, in words. */
  readonly hidden: readonly string[];
};

/**
 * `-v` twice in the same words is once, and of `--tmpfs` on one place the last one counts. Beside a `--mount`, a `--tmpfs`
 * is mounted instead, but for one that is a tmpfs itself. All else is refused.
 * @throws OnggiError `invalid`
 */
export function askedMounts({ volume, mount, tmpfs }: MountFlags): AskedMounts {
  const anonymous = volume.filter((each) => each.type === 'volume' && each.name === undefined);
  const bound = [...new Map(volume.map((each) => [JSON.stringify(each), each])).values()].filter(
    (each) => !anonymous.includes(each),
  );
  const ofTmpfs = new Map(tmpfs.map((each) => [place(each), each]));
  const taken = new Set<string>();
  for (const each of bound) {
    if (ofTmpfs.has(place(each))) throw duplicate(each);
    take(each);
  }
  for (const each of mount) take(each);
  const instead = mount.filter((each) => each.type === 'tmpfs').map(place);
  const kept = mount
    .filter((each) => each.type === 'tmpfs' || !ofTmpfs.has(place(each)))
    .map((each) => ({ ...each, byMount: true }) as const);
  return {
    mounts: [...bound, ...kept, ...[...ofTmpfs.values()].filter((each) => !instead.includes(place(each)))],
    volumes: [...new Set(anonymous.map(place))],
    hidden: mount.flatMap((each) => {
      if (!ofTmpfs.has(place(each))) return [];
      const [shown, lost] = each.type === 'tmpfs' ? ['--mount', '--tmpfs'] : ['--tmpfs', '--mount'];
      return [`${lost} on ${place(each)} has no effect: ${shown} names the same path`];
    }),
  };

  function take(each: AskedMounts['mounts'][number]): void {
    if (taken.has(place(each))) throw duplicate(each);
    taken.add(place(each));
  }
}

function place({ target }: { readonly target: string }): string {
  return posix.normalize(target).replace(/(?<=.)\/$/, '');
}

function duplicate(mount: { readonly target: string }): OnggiError {
  return new OnggiError('invalid', `Duplicate mount point: ${place(mount)}`, {
    hint: 'Name each path in the container once, with -v, --mount or --tmpfs.',
  });
}

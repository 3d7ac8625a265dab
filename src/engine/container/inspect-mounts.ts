/** The mounts that `inspect` tells of. What `--mount` asks for stands apart from `-v` and `--tmpfs`, as in Docker. Pure. */
import type { AnyMount } from '../volume/volume-mount.ts';

type Json = Record<string, unknown>;

/** Binds, Mounts and Tmpfs of HostConfig; those without entries are null, or left out, as in Docker. */
export function askedMounts(mounts: readonly AnyMount[]): {
  readonly Binds: readonly string[] | null;
  readonly Mounts?: readonly Json[];
  readonly Tmpfs?: Json;
} {
  const others = mounts.filter(({ byMount }) => byMount !== true);
  const binds = others.flatMap(bindText);
  const asked = mounts.filter(({ byMount }) => byMount === true).map(askedMount);
  const tmpfs = others.flatMap((mount) => (mount.type === 'tmpfs' ? [[mount.target, mount.options] as const] : []));
  return {
    Binds: binds.length === 0 ? null : binds,
    ...(asked.length > 0 && { Mounts: asked }),
    ...(tmpfs.length > 0 && { Tmpfs: Object.fromEntries(tmpfs.sort(([a], [b]) => (a < b ? -1 : 1))) }),
  };
}

function bindText(mount: AnyMount): string[] {
  if (mount.type === 'tmpfs' || mount.type === 'image') return [];
  const source = mount.type === 'bind' ? mount.source : (mount.name ?? '');
  // Volumes without a name of somebody's choice are among Docker's mounts only.
  if (mount.type === 'volume' && isMadeUp(source)) return [];
  return [[source, mount.target, ...modeOf(mount)].join(':')];
}

/** In the order of Go's struct; what is not told is the default. */
function askedMount(mount: AnyMount): Json {
  const { type, target } = mount;
  const source = type === 'tmpfs' ? '' : type === 'volume' ? (mount.name ?? '') : mount.source;
  const readOnly = type === 'tmpfs' ? mount.options.split(',').includes('ro') : type !== 'image' && mount.readOnly;
  return {
    Type: type,
    ...(source !== '' && !(type === 'volume' && isMadeUp(source)) && { Source: source }),
    Target: target,
    ...(readOnly && { ReadOnly: true }),
    ...withOptions(mount),
  };
}

function withOptions(mount: AnyMount): Json {
  switch (mount.type) {
    case 'bind': {
      const { propagation, submounts } = mount;
      return named('BindOptions', {
        ...(propagation !== 'rprivate' && { Propagation: propagation }),
        ...(submounts === 'none' && { NonRecursive: true }),
        ...(submounts === 'writable' && { ReadOnlyNonRecursive: true }),
      });
    }
    case 'volume': {
      const { copy, labels, subpath, options } = mount;
      return named('VolumeOptions', {
        ...(!copy && { NoCopy: true }),
        ...(labels !== undefined && { Labels: labels }),
        ...(subpath !== undefined && { Subpath: subpath }),
        ...(options !== undefined && { DriverConfig: { Options: options } }),
      });
    }
    case 'image':
      return named('ImageOptions', { ...(mount.subpath !== undefined && { Subpath: mount.subpath }) });
    case 'tmpfs': {
      const value = (name: string) => new RegExp(`(?:^|,)${name}=(\\d+)`).exec(mount.options)?.[1];
      const [size, mode] = [value('size'), value('mode')];
      return named('TmpfsOptions', {
        ...(size !== undefined && { SizeBytes: Number(size) }),
        ...(mode !== undefined && { Mode: Number.parseInt(mode, 8) }),
      });
    }
  }
}

function named(name: string, options: Json): Json {
  return Object.keys(options).length === 0 ? {} : { [name]: options };
}

function isMadeUp(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/** What is mounted: Mounts beside HostConfig. A `--tmpfs` is not among them. */
export function mountPoint(mount: AnyMount, volumePath: (name: string) => string): Json[] {
  const Destination = mount.target;
  if (mount.type === 'tmpfs') {
    if (mount.byMount !== true) return [];
    const RW = !mount.options.split(',').includes('ro');
    return [{ Type: 'tmpfs', Source: '', Destination, Mode: '', RW, Propagation: '' }];
  }
  // In the order of Go's struct.
  const common = { Mode: mount.byMount === true ? '' : modeOf(mount).join(''), RW: !mount.readOnly };
  if (mount.type === 'bind')
    return [{ Type: 'bind', Source: mount.source, Destination, ...common, Propagation: mount.propagation }];
  if (mount.type === 'image') return [{ Type: 'image', Source: mount.source, Destination, ...common, Propagation: '' }];
  const name = mount.name ?? '';
  const place = { Name: name, Source: volumePath(name), Destination, Driver: 'local' };
  return [{ Type: 'volume', ...place, ...common, Propagation: '' }];
}

/** What `-v` says after the second colon; empty for what is usual. */
function modeOf(mount: AnyMount): string[] {
  const words = [
    ...('readOnly' in mount && mount.readOnly ? ['ro'] : []),
    ...('chown' in mount && mount.chown ? ['U'] : []),
  ];
  return words.length === 0 ? [] : [words.join(',')];
}

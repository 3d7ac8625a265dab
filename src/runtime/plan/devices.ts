/** Device nodes and links of /dev (config-linux.md, "Default Devices" and "Dev symbolic links"). Pure. */
import { OnggiError, withField } from '../../errors.ts';
import type { Device, Mount } from '../../oci/runtime-spec.ts';
import { mountBits } from './mount-options.ts';
import { noAttributes } from './numbers.ts';
import type { InitStep } from './steps.ts';

const everyone = 0o666;

/** /dev/console is made by the console step, /dev/ptmx is a link. Numbers: Documentation/admin-guide/devices.txt. */
const defaultDevices: readonly Device[] = [
  { path: '/dev/null', type: 'c', major: 1, minor: 3, fileMode: everyone },
  { path: '/dev/zero', type: 'c', major: 1, minor: 5, fileMode: everyone },
  { path: '/dev/full', type: 'c', major: 1, minor: 7, fileMode: everyone },
  { path: '/dev/random', type: 'c', major: 1, minor: 8, fileMode: everyone },
  { path: '/dev/urandom', type: 'c', major: 1, minor: 9, fileMode: everyone },
  { path: '/dev/tty', type: 'c', major: 5, minor: 0, fileMode: everyone },
];

const links: readonly (readonly [path: string, target: string])[] = [
  ['/dev/fd', '/proc/self/fd'],
  ['/dev/stdin', '/proc/self/fd/0'],
  ['/dev/stdout', '/proc/self/fd/1'],
  ['/dev/stderr', '/proc/self/fd/2'],
  ['/dev/core', '/proc/kcore'],
  // The container's own devpts: the host's ptmx would open terminals of the host.
  ['/dev/ptmx', 'pts/ptmx'],
];

/** A bind on /dev brings devices of its own: nothing is made in it, for it would be made on the host. */
export function hasOwnDevices(mounts: readonly Mount[]): boolean {
  return mounts.some(({ type, destination, options = [] }) => {
    if (!destination.startsWith('/dev') || destination.replace(/\/+$/, '') !== '/dev') return false;
    return type === 'bind' || options.includes('bind') || options.includes('rbind');
  });
}

/**
 * @param userNamespace mknod(2) of devices is denied in one: the host's nodes are bound instead
 * @throws OnggiError `invalid`
 */
export function compileDevices(devices: readonly Device[], userNamespace: boolean): InitStep[] {
  const given = new Set(devices.map((device) => device.path));
  const all = [...defaultDevices.filter((device) => !given.has(device.path)), ...devices];
  const first = all.length - devices.length;
  return [
    ...all.map((device, index) => {
      try {
        return userNamespace && device.type !== 'p' ? bindDevice(device) : node(device);
      } catch (error) {
        throw withField(error, `linux.devices[${index - first}]`);
      }
    }),
    ...links.filter(([path]) => !given.has(path)).map(([path, target]): InitStep => ({ op: 'symlink', path, target })),
  ];
}

function node(device: Device): InitStep {
  checkPath(device);
  const type = device.type === 'u' ? 'c' : device.type;
  if (type !== 'c' && type !== 'b' && type !== 'p') {
    throw new OnggiError('invalid', `device "${device.path}": no such type "${device.type}"`);
  }
  const { major, minor } = device;
  if (type !== 'p' && (major === undefined || minor === undefined || major < 0 || minor < 0)) {
    throw new OnggiError('invalid', `device "${device.path}": it needs a major and a minor number`);
  }
  return {
    op: 'mknod',
    path: device.path,
    type,
    major: major ?? 0,
    minor: minor ?? 0,
    mode: device.fileMode ?? everyone,
    uid: device.uid ?? 0,
    gid: device.gid ?? 0,
  };
}

function bindDevice(device: Device): InitStep {
  checkPath(device);
  return {
    op: 'bind',
    source: device.path,
    target: device.path,
    recursive: false,
    attributes: noAttributes,
    // Nothing spreads from a device, and criu can't bring several slaves of one mount back.
    propagation: { bits: mountBits.private, words: ['private'] },
    createSource: false,
  };
}

function checkPath(device: Device): void {
  if (!device.path.startsWith('/')) {
    throw new OnggiError('invalid', `device "${device.path}": its path is not absolute`);
  }
}

/** Another OCI runtime that makes a container (`--runtime`): which program, and what can't be had of it. */
import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { OnggiError, unsupported } from '../../errors.ts';
import { unprivileged } from '../../kernel/user-namespace.ts';
import type { ContainerOptions } from '../types.ts';

/** That of onggi itself, which needs no program. */
const ownRuntime = 'onggi';

const usualPlaces = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/**
 * The options with the runtime as the path of a program, or without one.
 * @throws OnggiError `invalid` when there is none of that name, `unsupported` for what it could not do
 */
export function resolveRuntime(options: ContainerOptions): ContainerOptions {
  const { runtime, ...own } = options;
  if (runtime === undefined || runtime === '' || runtime === ownRuntime) return own;
  refuse(options);
  const places = [...(process.env['PATH'] ?? '').split(':').filter((path) => path.startsWith('/')), ...usualPlaces];
  const paths = runtime.includes('/') ? [runtime] : places.map((place) => join(place, runtime));
  const program = paths.find((path) => path.startsWith('/') && isProgram(path));
  if (program !== undefined) return { ...options, runtime: program };
  throw new OnggiError('invalid', `unknown or invalid runtime name: ${runtime}`, {
    hint: 'Name an OCI runtime that is installed, such as runc or crun, or its absolute path.',
  });
}

function refuse({ idMaps, userNamespace, init, systemd, image, rootfs, mounts = [] }: ContainerOptions): void {
  if (unprivileged() !== undefined) throw unsupported('--runtime without root');
  if (idMaps !== undefined || userNamespace !== undefined) throw unsupported('--runtime with --userns');
  if (systemd === 'always') throw unsupported('--runtime with --systemd always');
  if (init === true) throw unsupported('--runtime with --init');
  if (rootfs === undefined && image === 'host') throw unsupported('--runtime with the image "host"');
  const part = mounts.some(
    (mount) => (mount.type === 'volume' || mount.type === 'image') && mount.subpath !== undefined,
  );
  if (part) throw unsupported('--runtime with a part of a volume (volume-subpath, image-subpath)');
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

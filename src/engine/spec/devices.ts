/** `--device`: nodes of the host that a container gets, and the rules that let it use them. Pure. */
import { posix } from 'node:path';
import { OnggiError } from '../../errors.ts';
import type { Device, DeviceRule, Mount } from '../../oci/runtime-spec.ts';
import type { DeviceMapping } from '../types.ts';

export type MappedDevices = {
  readonly nodes: readonly Device[];
  readonly rules: readonly DeviceRule[];
  /** Those of `nodes` that have another name on the host, as binds: in a user namespace no node can be made. */
  readonly renamed: readonly Mount[];
};

export type DeviceFacts = {
  readonly devicesAt: (path: string) => readonly Device[];
  /** Whether there is anything at a path. */
  readonly isThere: (path: string) => boolean;
};

/**
 * @throws OnggiError `missing-on-host` when there is nothing at a source, `invalid` when it is no device nor has any
 */
export function mappedDevices(mappings: readonly DeviceMapping[], { devicesAt, isThere }: DeviceFacts): MappedDevices {
  const nodes: Device[] = [];
  const rules: DeviceRule[] = [];
  const renamed: Mount[] = [];
  for (const { source, target, access } of mappings) {
    const found = devicesAt(source);
    if (found.length === 0) {
      throw noDevice(source, isThere(source));
    }
    for (const device of found) {
      // A directory keeps the names below it.
      const path = posix.join(target, posix.relative(source, device.path));
      nodes.push({ ...device, path });
      const options = ['bind', 'nosuid', 'noexec', 'rprivate'];
      if (path !== device.path) renamed.push({ destination: path, type: 'bind', source: device.path, options });
      rules.push({ allow: true, type: device.type, major: device.major, minor: device.minor, access } as DeviceRule);
    }
  }
  return { nodes, rules, renamed };
}

/** In Docker's words. */
function noDevice(source: string, isThere: boolean): OnggiError {
  return new OnggiError(
    isThere ? 'invalid' : 'missing-on-host',
    `error gathering device information while adding custom device "${source}": ${isThere ? 'not a device node' : 'no such file or directory'}`,
    { hint: 'Name a device node of the host, or a directory of them.' },
  );
}

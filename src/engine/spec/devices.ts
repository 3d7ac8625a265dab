/** `--device`: nodes of the host that a container gets, and the rules that let it use them. Pure. */
import { posix } from 'node:path';
import { OnggiError } from '../../errors.ts';
import type { Device, DeviceRule } from '../../oci/runtime-spec.ts';
import type { DeviceMapping } from '../types.ts';

/** @throws OnggiError `not-found` when there is no device at a source */
export function mappedDevices(
  mappings: readonly DeviceMapping[],
  { devicesAt }: { readonly devicesAt: (path: string) => readonly Device[] },
): { readonly nodes: readonly Device[]; readonly rules: readonly DeviceRule[] } {
  const nodes: Device[] = [];
  const rules: DeviceRule[] = [];
  for (const { source, target, access } of mappings) {
    const found = devicesAt(source);
    if (found.length === 0) {
      throw new OnggiError(
        'not-found',
        `error gathering device information while adding custom device "${source}": no such device`,
        {
          hint: 'Name a device node of the host, or a directory of them.',
        },
      );
    }
    for (const device of found) {
      // A directory keeps the names below it.
      nodes.push({ ...device, path: posix.join(target, posix.relative(source, device.path)) });
      rules.push({ allow: true, type: device.type, major: device.major, minor: device.minor, access } as DeviceRule);
    }
  }
  return { nodes, rules };
}

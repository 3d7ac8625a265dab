/** `linux.netDevices`: network devices of the machine that a container takes with it. Acts: looks at them. */
import { OnggiError } from '../errors.ts';
import { deviceSteps } from '../network/device.ts';
import type { Spec } from '../oci/runtime-spec.ts';
import { randomHex } from '../random.ts';
import type { PlanRequest } from './container-plan.ts';

/** @throws OnggiError `invalid`; `not-found` for a device that is not there */
export function netDeviceSteps({ linux }: Spec): PlanRequest['devices'] {
  const devices = Object.entries(linux?.netDevices ?? {}).map(([name, { name: rename = '' }]) => {
    check(name, false);
    if (rename !== '') check(rename, true);
    return { name, ...(rename !== '' && rename !== name && { rename }) };
  });
  if (devices.length === 0) return [];
  if (!(linux?.namespaces ?? []).some(({ type }) => type === 'network')) {
    throw new OnggiError('invalid', 'linux.netDevices: the container has no network namespace to move them into');
  }
  const { outside, inside } = deviceSteps(devices, randomHex(4));
  return [outside, { ...inside, op: 'inner-netlink' }];
}

/** As dev_valid_name() of the kernel; a new name may have "%d" once. */
function check(name: string, template: boolean): void {
  const plain = template ? name.replace('%d', '') : name;
  if (name.length <= 15 && /^[^\s/:%]*$/.test(plain) && !/^\.{0,2}$/.test(name)) return;
  throw new OnggiError('invalid', `linux.netDevices: "${name}" is no name of a network device`);
}

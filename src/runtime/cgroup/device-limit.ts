/** Limits that name a device or a size of pages; what both versions of cgroups need of them. Pure. */
import { OnggiError } from '../../errors.ts';
import type { Resources, Throttle } from '../../oci/runtime-spec.ts';
import { checkRange, deviceName, type Setting, setting } from './setting.ts';

export type DeviceRate = { readonly name: string; readonly rate: string; readonly what: string };

/** @param unit what is counted a second; a rate of 0 is none. @throws OnggiError `invalid` */
export function blockDevices(limits: readonly Throttle[] | undefined, unit: string): DeviceRate[] {
  return (limits ?? []).map(({ rate, ...device }) => {
    checkRange('blockIO.throttle.rate', rate, 0, Number.MAX_SAFE_INTEGER);
    const name = deviceName('blockIO.throttle', device);
    return { name, rate: String(rate), what: `limit the device ${name} to ${rate} ${unit} a second` };
  });
}

/** The size is part of a file's name: nothing but what the kernel writes there. @throws OnggiError `invalid` */
export function hugePageSize(pageSize: string): string {
  if (/^[1-9]\d*[KMG]B$/.test(pageSize)) return pageSize;
  throw new OnggiError('invalid', `resources.hugepageLimits: "${pageSize}" is not a page size`, {
    hint: 'Write it as the kernel does: "64KB", "2MB", "1GB".',
  });
}

/** rdma.max, the same file in both versions. @throws OnggiError `invalid` */
export function rdma(devices: NonNullable<Resources['rdma']>): Setting[] {
  return Object.entries(devices).map(([device, { hcaHandles, hcaObjects }]) => {
    if (!/^[\w.-]+$/.test(device))
      throw new OnggiError('invalid', `resources.rdma: "${device}" is not a device's name`);
    checkRange(`rdma["${device}"].hcaHandles`, hcaHandles, 0, 0xffff_ffff);
    checkRange(`rdma["${device}"].hcaObjects`, hcaObjects, 0, 0xffff_ffff);
    const limits = `hca_handle=${hcaHandles ?? 'max'} hca_object=${hcaObjects ?? 'max'}`;
    return setting('rdma', 'rdma.max', `${device} ${limits}`, `limit the RDMA device ${device}`);
  });
}

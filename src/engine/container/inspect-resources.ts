/** The limits of a container as HostConfig of the Engine API has them. Pure. */
import type { DeviceCgroupRule, DeviceRate } from '../types.ts';
import type { Container } from './container.ts';

export function resources({
  resources: asked = {},
  ulimits = [],
  devices = [],
  cdiDevices = [],
}: Container['options']): object {
  const { memory = 0 } = asked;
  return {
    Ulimits: ulimits.map(({ name, soft, hard }) => ({ Name: name, Hard: Number(hard), Soft: Number(soft) })),
    Memory: memory,
    MemorySwap: asked.memorySwap ?? memory * 2,
    MemoryReservation: asked.memoryReservation ?? 0,
    MemorySwappiness: asked.memorySwappiness ?? null,
    OomKillDisable: asked.oomKillDisable ?? false,
    NanoCpus: asked.nanoCpus ?? 0,
    CpuPeriod: asked.cpuPeriod ?? 0,
    CpuQuota: asked.cpuQuota ?? 0,
    CpuRealtimePeriod: asked.cpuRealtimePeriod ?? 0,
    CpuRealtimeRuntime: asked.cpuRealtimeRuntime ?? 0,
    CpuShares: asked.cpuShares ?? 0,
    CpusetCpus: asked.cpusetCpus ?? '',
    CpusetMems: asked.cpusetMems ?? '',
    PidsLimit: asked.pidsLimit ?? null,
    BlkioWeight: asked.blkioWeight ?? 0,
    BlkioWeightDevice: (asked.blkioWeightDevices ?? []).map(({ path, weight }) => ({ Path: path, Weight: weight })),
    BlkioDeviceReadBps: rates(asked.deviceReadBps),
    BlkioDeviceWriteBps: rates(asked.deviceWriteBps),
    BlkioDeviceReadIOps: rates(asked.deviceReadIops),
    BlkioDeviceWriteIOps: rates(asked.deviceWriteIops),
    DeviceCgroupRules: asked.deviceRules === undefined ? null : asked.deviceRules.map(ruleText),
    DeviceRequests:
      cdiDevices.length === 0
        ? null
        : [{ Driver: 'cdi', Count: 0, DeviceIDs: cdiDevices, Capabilities: null, Options: null }],
    Devices: devices.map(({ source, target, access }) => ({
      PathOnHost: source,
      PathInContainer: target,
      CgroupPermissions: access,
    })),
  };
}

function rates(list: readonly DeviceRate[] = []): object[] {
  return list.map(({ path, rate }) => ({ Path: path, Rate: rate }));
}

function ruleText({ type, major, minor, access }: DeviceCgroupRule): string {
  const number = (value: number): string => (value < 0 ? '*' : `${value}`);
  return `${type} ${number(major)}:${number(minor)} ${access}`;
}

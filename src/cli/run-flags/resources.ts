/** What a container may use, as `run` and `create` take it: all limits, those of devices, and its cgroup. Pure. */
import type { ContainerOptions, Resources } from '../../engine/types.ts';
import { asIs, list, single, toggle, type Values } from '../definition.ts';
import { parseBitRate, parseDeviceRule, parseOperationRate, parseWeightDevice } from '../value/block-device.ts';
import { integer, swappiness } from '../value/number.ts';
import { limitFlags, limitsOf } from './limits.ts';

export const resourceFlags = {
  ...limitFlags,
  'blkio-weight-device': list('list', parseWeightDevice, 'Share of the I/O of one device: /dev/x:WEIGHT'),
  'cgroup-parent': single('string', asIs, 'Cgroup below which that of the container is made'),
  'device-cgroup-rule': list('list', parseDeviceRule, 'Let device nodes be used: "c 13:* rwm"'),
  'device-read-bps': list('list', parseBitRate, 'Most bytes read of a device in a second: /dev/x:1mb'),
  'device-read-iops': list('list', parseOperationRate, 'Most reads of a device in a second: /dev/x:100'),
  'device-write-bps': list('list', parseBitRate, 'Most bytes written to a device in a second: /dev/x:1mb'),
  'device-write-iops': list('list', parseOperationRate, 'Most writes to a device in a second: /dev/x:100'),
  'memory-swappiness': single('int', swappiness, 'How readily memory is swapped: 0 to 100', { shown: '-1' }),
  'oom-kill-disable': toggle('Stop what is over the memory limit until there is room, instead of killing it'),
  'oom-score-adj': single(
    'int',
    integer(-1000, 1000),
    'Be killed sooner or later when the machine has no memory left: -1000 to 1000',
  ),
} as const;

type ResourceFlags = Values<typeof resourceFlags>;

export function resourceOptions(flags: ResourceFlags): Partial<ContainerOptions> {
  const parent = flags['cgroup-parent'];
  const score = flags['oom-score-adj'];
  return {
    resources: resourcesOf(flags),
    ...(parent !== undefined && parent !== '' && { cgroupParent: parent }),
    ...(score !== undefined && score !== 0 && { oomScoreAdj: score }),
  };
}

function resourcesOf(flags: ResourceFlags): Resources {
  const swappy = flags['memory-swappiness'];
  return {
    ...limitsOf(flags),
    ...(swappy !== undefined && swappy !== -1 && { memorySwappiness: swappy }),
    ...(flags['oom-kill-disable'] && { oomKillDisable: true }),
    ...some('blkioWeightDevices', flags['blkio-weight-device']),
    ...some('deviceReadBps', flags['device-read-bps']),
    ...some('deviceWriteBps', flags['device-write-bps']),
    ...some('deviceReadIops', flags['device-read-iops']),
    ...some('deviceWriteIops', flags['device-write-iops']),
    ...some('deviceRules', flags['device-cgroup-rule']),
  };
}

function some<K extends string, T>(key: K, values: readonly T[]): { readonly [P in K]?: readonly T[] } {
  return (values.length === 0 ? {} : { [key]: values }) as { readonly [P in K]?: readonly T[] };
}
